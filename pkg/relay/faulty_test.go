package relay_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// faulty is a store whose operations fail while fault says so. "set" and
// what ends in "stored" or "taken" fail after they have taken effect.
type faulty struct {
	relay.Directory
	stocks relay.Prekeys
	relay.Mailboxes

	mu    sync.Mutex
	fault func(op string) error // nil for none
	gate  chan struct{}         // Wait waits for it, if there is one
}

func (s *faulty) set(fault func(op string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

func (s *faulty) check(op string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fault == nil {
		return nil
	}
	return s.fault(op)
}

func (s *faulty) CreateUser(ctx context.Context, c crypto.Certificate, signed relay.RawPrekey) error {
	return errors.Join(s.check("create"), s.Directory.CreateUser(ctx, c, signed))
}

func (s *faulty) ReplaceDevice(ctx context.Context, before, c crypto.Certificate, signed relay.RawPrekey) error {
	if err := s.check("replace"); err != nil {
		return err
	}
	return errors.Join(s.Directory.ReplaceDevice(ctx, before, c, signed), s.check("replace, stored"))
}

func (s *faulty) AddPrekeys(ctx context.Context, owner crypto.Address, signed relay.RawPrekey, oneTime []relay.RawPrekey) error {
	if err := s.check("add"); err != nil {
		return err
	}
	return errors.Join(s.stocks.AddPrekeys(ctx, owner, signed, oneTime), s.check("add, stored"))
}

func (s *faulty) Prekeys(ctx context.Context, owner crypto.Address) (relay.PrekeyStock, error) {
	if err := s.check("prekeys"); err != nil {
		return relay.PrekeyStock{}, err
	}
	return s.stocks.Prekeys(ctx, owner)
}

func (s *faulty) TakePrekey(ctx context.Context, owner crypto.Address, id crypto.PrekeyID) error {
	if err := s.check("take"); err != nil {
		return err
	}
	return errors.Join(s.stocks.TakePrekey(ctx, owner, id), s.check("take, taken"))
}

func (s *faulty) User(ctx context.Context, name crypto.Username) (crypto.Certificate, error) {
	if err := s.check("user"); err != nil {
		return crypto.Certificate{}, err
	}
	return s.Directory.User(ctx, name)
}

func (s *faulty) Relation(ctx context.Context, p relay.Pair) (relay.Relation, error) {
	if err := s.check("relation"); err != nil {
		return relay.Relation{}, err
	}
	return s.Directory.Relation(ctx, p)
}

func (s *faulty) SetRelation(ctx context.Context, p relay.Pair, r relay.Relation) error {
	return errors.Join(s.Directory.SetRelation(ctx, p, r), s.check("set"))
}

func (s *faulty) Append(ctx context.Context, ds []relay.Delivery) (relay.Appended, error) {
	if err := s.check("append"); err != nil {
		return relay.Appended{}, err
	}
	a, err := s.Mailboxes.Append(ctx, ds)
	if err != nil {
		return a, err
	}
	if err := s.check("append, stored"); err != nil {
		a.Wait()
		return relay.Appended{}, err
	}
	s.mu.Lock()
	gate, wait := s.gate, a.Wait
	s.mu.Unlock()
	a.Wait = func() error {
		if gate != nil {
			<-gate
		}
		return errors.Join(wait(), s.check("wait"))
	}
	return a, nil
}

func (s *faulty) Read(ctx context.Context, owner crypto.Address, after uint64, max, maxBytes int) ([]relay.Stored, error) {
	if err := s.check("read"); err != nil {
		return nil, err
	}
	return s.Mailboxes.Read(ctx, owner, after, max, maxBytes)
}

func (s *faulty) Delete(ctx context.Context, owner crypto.Address, upTo uint64) error {
	if err := s.check("delete"); err != nil {
		return err
	}
	return s.Mailboxes.Delete(ctx, owner, upTo)
}

func (s *faulty) Ready(ctx context.Context) error {
	if err := s.check("ready"); err != nil {
		return err
	}
	return s.Mailboxes.Ready(ctx)
}

var errDisk = errors.New("the disk is on fire")

// failing makes one operation fail.
func failing(op string, err error) func(string) error {
	return func(got string) error {
		if got == op {
			return err
		}
		return nil
	}
}

func newFaultyWorld(t *testing.T, change ...func(*relay.Config)) (*world, *faulty) {
	s := &faulty{}
	change = append(change, func(c *relay.Config) {
		s.Directory, s.stocks, s.Mailboxes = c.Directory, c.Prekeys, c.Mailboxes
		c.Directory, c.Prekeys, c.Mailboxes = s, s, s
	})
	return newWorld(t, change...), s
}
