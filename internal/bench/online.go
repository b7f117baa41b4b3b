package main

import (
	"context"
	"fmt"
	"strconv"
)

// online measures the relay beside the floors, without TLS and with it.
func (b *bench) online(ctx context.Context) error {
	for _, window := range b.windows {
		rows := [][]string{{"", "cpu/scan", "cpu/naive", "rate/scan", "cpu-s/million", "messages/s", "messages", "server busy", "stored", "again"}}
		for _, withTLS := range []bool{false, true} {
			more, err := b.onlineRows(ctx, window, withTLS)
			if err != nil {
				return err
			}
			rows = append(rows, more...)
		}
		title := fmt.Sprintf("online: %d pairs, %d bytes, %d messages of each pair on the way", b.pairs, b.size, window)
		if err := b.table(title, rows); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) onlineRows(ctx context.Context, window int, withTLS bool) (rows [][]string, err error) {
	kinds := []string{floorNaive, floorScan, relayName}
	results := make([]result, len(kinds))
	for i, kind := range kinds {
		if results[i], err = b.onlineOnce(ctx, kind, window, withTLS); err != nil {
			return nil, err
		}
	}
	naive, scan := results[0], results[1]
	for i, r := range results {
		name := kinds[i]
		if withTLS {
			name += " (TLS)"
		}
		rows = append(rows, []string{
			name, ratio(r.cost(), scan.cost()), ratio(r.cost(), naive.cost()), ratio(r.perSecond(), scan.perSecond()),
			fmt.Sprintf("%.2f", r.cost()), whole(r.perSecond()), strconv.Itoa(r.messages), r.busy(), strconv.FormatInt(r.others, 10), strconv.FormatInt(r.again, 10),
		})
	}
	return rows, nil
}

func (b *bench) onlineOnce(ctx context.Context, kind string, window int, withTLS bool) (r result, err error) {
	p, err := b.serve(ctx, kind, withTLS)
	if err != nil {
		return r, err
	}
	defer p.end(&err)
	pairs, err := b.pairUp(ctx, p, b.pairs)
	if err != nil {
		return r, err
	}
	defer hangUp(pairs)
	return b.traffic(ctx, p, pairs, window, delivered)
}

func ratio(a, b float64) string {
	if b == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", a/b)
}

func whole(f float64) string { return fmt.Sprintf("%.0f", f) }

// busy is how much of one processor the server had.
func (r result) busy() string {
	return fmt.Sprintf("%.0f%%", 100*r.cpu.Seconds()/r.elapsed.Seconds())
}
