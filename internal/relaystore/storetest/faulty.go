package storetest

import (
	"context"
	"errors"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// ErrFault is how a write of Faulty fails.
var ErrFault = errors.New("an injected fault")

// Fault is what a write has done before it fails.
type Fault int

// The faults of a write. A store that is reached over a network has both, and
// who calls it cannot tell which one it met.
const (
	NoFault   Fault = iota
	NotStored       // it failed, and nothing has happened
	IsStored        // it failed, but it has taken effect
)

// Faulty is a store whose writes fail as Next says.
type Faulty struct {
	Store
	// Next is asked before each write, from any goroutine. The names of the
	// writes are those of the methods, and Wait, which has stored in any case.
	Next func(write string) Fault
}

// write makes a write or does not.
func (f *Faulty) write(name string, write func() error) error {
	switch f.Next(name) {
	case NotStored:
		return ErrFault
	case IsStored:
		if err := write(); err != nil {
			return err
		}
		return ErrFault
	}
	return write()
}

// CreateUser implements relay.Directory.
func (f *Faulty) CreateUser(ctx context.Context, c crypto.Certificate, signed relay.RawPrekey) error {
	return f.write("CreateUser", func() error { return f.Store.CreateUser(ctx, c, signed) })
}

// ReplaceDevice implements relay.Directory.
func (f *Faulty) ReplaceDevice(ctx context.Context, before, c crypto.Certificate, signed relay.RawPrekey) error {
	return f.write("ReplaceDevice", func() error { return f.Store.ReplaceDevice(ctx, before, c, signed) })
}

// SetRelation implements relay.Directory.
func (f *Faulty) SetRelation(ctx context.Context, p relay.Pair, r relay.Relation) error {
	return f.write("SetRelation", func() error { return f.Store.SetRelation(ctx, p, r) })
}

// AddPrekeys implements relay.Prekeys.
func (f *Faulty) AddPrekeys(ctx context.Context, owner crypto.Address, signed relay.RawPrekey, oneTime []relay.RawPrekey) error {
	return f.write("AddPrekeys", func() error { return f.Store.AddPrekeys(ctx, owner, signed, oneTime) })
}

// TakePrekey implements relay.Prekeys.
func (f *Faulty) TakePrekey(ctx context.Context, owner crypto.Address, id crypto.PrekeyID) error {
	return f.write("TakePrekey", func() error { return f.Store.TakePrekey(ctx, owner, id) })
}

// Append implements relay.Mailboxes.
func (f *Faulty) Append(ctx context.Context, ds []relay.Delivery) (a relay.Appended, err error) {
	err = f.write("Append", func() (err error) {
		a, err = f.Store.Append(ctx, ds)
		return err
	})
	if err != nil {
		return relay.Appended{}, err
	}
	wait, fault := a.Wait, f.Next("Wait")
	a.Wait = func() error {
		if err := wait(); err != nil || fault == NoFault {
			return err
		}
		return ErrFault
	}
	return a, nil
}

// Delete implements relay.Mailboxes.
func (f *Faulty) Delete(ctx context.Context, owner crypto.Address, upTo uint64) error {
	return f.write("Delete", func() error { return f.Store.Delete(ctx, owner, upTo) })
}

// patient is a caller that tries what has failed once more, with the same
// bytes, and looks at what is there where that says that it has come too late.
type patient struct{ Store }

func (p patient) AddPrekeys(ctx context.Context, owner crypto.Address, signed relay.RawPrekey, oneTime []relay.RawPrekey) error {
	return again(func() error { return p.Store.AddPrekeys(ctx, owner, signed, oneTime) })
}

func (p patient) CreateUser(ctx context.Context, c crypto.Certificate, signed relay.RawPrekey) error {
	err := p.Store.CreateUser(ctx, c, signed)
	if !errors.Is(err, ErrFault) {
		return err
	}
	err = p.Store.CreateUser(ctx, c, signed)
	if !errors.Is(err, relay.ErrExists) {
		return err
	}
	if got, errUser := p.Store.User(ctx, c.User); errUser != nil || got.Hash() != c.Hash() {
		return err
	}
	return nil
}

// TakePrekey can only tell that it has taken the prekey because nobody else
// does. One of many callers takes another then.
func (p patient) TakePrekey(ctx context.Context, owner crypto.Address, id crypto.PrekeyID) error {
	before, err := p.Store.Prekeys(ctx, owner)
	if err != nil {
		return err
	}
	if err = p.Store.TakePrekey(ctx, owner, id); !errors.Is(err, ErrFault) {
		return err
	}
	err = p.Store.TakePrekey(ctx, owner, id)
	if after, errAfter := p.Store.Prekeys(ctx, owner); errAfter == nil && after.Left < before.Left {
		return nil
	}
	return err
}

func (p patient) Append(ctx context.Context, ds []relay.Delivery) (a relay.Appended, err error) {
	err = again(func() (err error) {
		if a, err = p.Store.Append(ctx, ds); err != nil {
			return err
		}
		return a.Wait()
	})
	a.Wait = func() error { return nil }
	return a, err
}

func (p patient) Delete(ctx context.Context, owner crypto.Address, upTo uint64) error {
	return again(func() error { return p.Store.Delete(ctx, owner, upTo) })
}

// again does something until it meets no fault.
func again(write func() error) error {
	for {
		if err := write(); !errors.Is(err, ErrFault) {
			return err
		}
	}
}
