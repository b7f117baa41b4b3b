// Package demo is the whole product in one process, for somebody who wants to
// look around: a relay on a free loopback port, a throw-away account, and a
// friend who accepts and answers. All of it lies in a temporary folder that
// goes with it.
package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/relayhost"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

// The names of the two.
const (
	You    = "you"
	Friend = "ada"
)

// cost is the least that a key file admits: the passphrases here are random.
var cost = keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1}

// house is a relay and the folder in which everything lies.
type house struct {
	dir    string
	addr   string // where the relay listens, fixed after its first start
	server client.Server
	relay  *runningRelay
	secret []byte // passphrase of both profiles
}

type runningRelay struct {
	stop  context.CancelFunc
	ended chan error // capacity 1
}

func newHouse() (h *house, err error) {
	dir, err := os.MkdirTemp("", "chat-demo-")
	if err != nil {
		return nil, err
	}
	h = &house{dir: dir, addr: "127.0.0.1:0", secret: []byte(rand.Text())}
	if err := h.startRelay(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return h, nil
}

func (h *house) relayDir() string { return filepath.Join(h.dir, "relay") }

func (h *house) startRelay() error {
	host, err := relayhost.Open(relayhost.Config{Addr: h.addr, DataDir: h.relayDir()})
	if err != nil {
		return err
	}
	h.addr = host.Addr().String()
	name, port, err := net.SplitHostPort(h.addr)
	if err != nil {
		return err
	}
	h.server = client.Server{Host: name, Port: port, Pin: host.Fingerprint()}
	ctx, stop := context.WithCancel(context.Background())
	r := &runningRelay{stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- host.Run(ctx) }()
	h.relay = r
	return nil
}

func (h *house) stopRelay() error {
	if h.relay == nil {
		return nil
	}
	r := h.relay
	h.relay = nil
	r.stop()
	return <-r.ended
}

// close ends the relay and removes everything.
func (h *house) close() error {
	return errors.Join(h.stopRelay(), os.RemoveAll(h.dir))
}

// move makes an account that is not connected yet.
func (h *house) move(ctx context.Context, name string) (*owner.Account, error) {
	return owner.Create(ctx, owner.Creation{
		Name: name, Server: h.server, Cost: cost,
		Passphrase: func(context.Context) ([]byte, error) { return bytes.Clone(h.secret), nil },
		Place: func(name string, s client.Server) (profile.Ref, error) {
			return profile.Ref{Name: name, Server: s.Address(), Dir: filepath.Join(h.dir, name)}, nil
		},
	})
}

// back opens an account again that was closed.
func (h *house) back(ctx context.Context, ref profile.Ref) (*owner.Account, error) {
	return owner.Open(ctx, ref, func(context.Context, int) ([]byte, error) { return bytes.Clone(h.secret), nil })
}

// party is the house with both people in it.
type party struct {
	*house
	you, friend *owner.Account
}

func newParty(ctx context.Context) (_ *party, err error) {
	h, err := newHouse()
	if err != nil {
		return nil, err
	}
	p := &party{house: h}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.you, err = h.move(ctx, You); err != nil {
		return nil, err
	}
	if p.friend, err = h.move(ctx, Friend); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *party) close() error {
	var errs []error
	for _, a := range []*owner.Account{p.you, p.friend} {
		if a != nil {
			errs = append(errs, a.Close(0))
		}
	}
	return errors.Join(append(errs, p.house.close())...)
}

// Run opens the house, hands the person's account to show, and tidies up when
// show returns.
func Run(ctx context.Context, show func(context.Context, client.Account) error) (err error) {
	p, err := newParty(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close()) }()
	for _, a := range []*owner.Account{p.you, p.friend} {
		if err := a.Start(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- befriend(ctx, p.friend, p.dir) }()
	err = show(ctx, p.you)
	cancel()
	if friendErr := <-ended; !errors.Is(friendErr, context.Canceled) {
		err = errors.Join(err, friendErr)
	}
	return err
}
