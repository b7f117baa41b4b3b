package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"secure-messaging/internal/procusage"
)

// idleConnections measures the resident memory of a connection that is logged
// in and says nothing.
func (b *bench) idleConnections(ctx context.Context) error {
	if err := needFiles(b.idle); err != nil {
		return err
	}
	rows := [][]string{{"", "KiB/connection", "at once", "RSS before", "RSS after", "at once", "peak", "connections"}}
	for _, withTLS := range []bool{false, true} {
		row, err := b.idleOnce(ctx, withTLS)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	return b.table(fmt.Sprintf("idle: memory of the relay for connections that are logged in, in MiB; after %v, and at once", b.settle), rows)
}

func (b *bench) idleOnce(ctx context.Context, withTLS bool) (row []string, err error) {
	name := "no TLS"
	if withTLS {
		name = "TLS"
	}
	data := "idle-" + name
	// The accounts are made by one process and the connections held by the next,
	// so that what registering leaves behind is in neither figure.
	p, err := b.relay(ctx, data, withTLS)
	if err != nil {
		return nil, err
	}
	people, err := b.crowd(ctx, p, 0, b.idle)
	if err := p.stopAfter(err); err != nil {
		return nil, err
	}
	if p, err = b.relay(ctx, data, withTLS); err != nil {
		return nil, err
	}
	defer p.end(&err)
	// One connection first: what is made once is not for each.
	first, err := p.attend(ctx, people[:1])
	defer first.leave()
	if err != nil {
		return nil, err
	}
	before, err := procusage.Of(p.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	rest, err := p.attend(ctx, people[1:])
	defer rest.leave()
	if err != nil {
		return nil, err
	}
	atOnce, err := procusage.Of(p.cmd.Process.Pid)
	if err != nil {
		return nil, err
	}
	after, err := b.settled(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := rest.check(); err != nil {
		return nil, err
	}
	each := func(u procusage.Usage) string {
		return fmt.Sprintf("%.1f", float64(u.RSS-before.RSS)/1024/float64(max(1, len(rest.conns))))
	}
	return []string{name, each(after), each(atOnce), mib(before.RSS), mib(after.RSS), mib(atOnce.RSS), mib(after.Peak), fmt.Sprint(b.idle)}, nil
}

// settled looks at the memory once the time of -settle is over.
func (b *bench) settled(ctx context.Context, p *process) (procusage.Usage, error) {
	select {
	case <-time.After(b.settle):
	case <-ctx.Done():
		return procusage.Usage{}, context.Cause(ctx)
	}
	return procusage.Of(p.cmd.Process.Pid)
}

// crowd registers n people behind the first ones.
func (b *bench) crowd(ctx context.Context, p *process, first, n int) ([]*person, error) {
	people := make([]*person, n)
	err := eachOf(ctx, n, func(ctx context.Context, i int) (err error) {
		people[i], err = register(ctx, p, fmt.Sprintf("idle_%06d", first+i))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("register idle people: %w", err)
	}
	return people, nil
}

// audience is a number of connections that say nothing.
type audience struct {
	mu    sync.Mutex
	conns []*conn
}

// attend logs people in who then say nothing but pong.
func (p *process) attend(ctx context.Context, people []*person) (*audience, error) {
	a := new(audience)
	err := eachOf(ctx, len(people), func(ctx context.Context, i int) error {
		people[i].relay = p
		c, err := people[i].login(ctx, idleBuffer, func(c *conn) handler { return c.ackAll })
		if err != nil {
			return err
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.conns = append(a.conns, c)
		return nil
	})
	if err != nil {
		return a, fmt.Errorf("connect idle people: %w", err)
	}
	return a, nil
}

// check fails if a connection has ended.
func (a *audience) check() error {
	for _, c := range a.conns {
		select {
		case <-c.ended:
			return fmt.Errorf("an idle connection has ended: %w", c.err)
		default:
		}
	}
	return nil
}

func (a *audience) leave() {
	if a == nil {
		return
	}
	for _, c := range a.conns {
		c.close()
	}
}

func mib(n int64) string { return fmt.Sprintf("%.1f", float64(n)/(1<<20)) }
