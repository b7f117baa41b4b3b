package storetest

import (
	"context"
	"sync/atomic"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// shared is a store with several handles. Each call goes through the next.
type shared struct {
	handles []Store
	calls   atomic.Uint64
}

func (s *shared) next() Store { return s.handles[s.calls.Add(1)%uint64(len(s.handles))] }

func (s *shared) CreateUser(ctx context.Context, c crypto.Certificate, signed relay.RawPrekey) error {
	return s.next().CreateUser(ctx, c, signed)
}

func (s *shared) ReplaceDevice(ctx context.Context, before, c crypto.Certificate, signed relay.RawPrekey) error {
	return s.next().ReplaceDevice(ctx, before, c, signed)
}

func (s *shared) User(ctx context.Context, name crypto.Username) (crypto.Certificate, error) {
	return s.next().User(ctx, name)
}

func (s *shared) Relation(ctx context.Context, p relay.Pair) (relay.Relation, error) {
	return s.next().Relation(ctx, p)
}

func (s *shared) SetRelation(ctx context.Context, p relay.Pair, r relay.Relation) error {
	return s.next().SetRelation(ctx, p, r)
}

func (s *shared) AddPrekeys(ctx context.Context, owner crypto.Address, signed relay.RawPrekey, oneTime []relay.RawPrekey) error {
	return s.next().AddPrekeys(ctx, owner, signed, oneTime)
}

func (s *shared) Prekeys(ctx context.Context, owner crypto.Address) (relay.PrekeyStock, error) {
	return s.next().Prekeys(ctx, owner)
}

func (s *shared) TakePrekey(ctx context.Context, owner crypto.Address, id crypto.PrekeyID) error {
	return s.next().TakePrekey(ctx, owner, id)
}

func (s *shared) Append(ctx context.Context, ds []relay.Delivery) (relay.Appended, error) {
	return s.next().Append(ctx, ds)
}

func (s *shared) Read(ctx context.Context, owner crypto.Address, after uint64, max, maxBytes int) ([]relay.Stored, error) {
	return s.next().Read(ctx, owner, after, max, maxBytes)
}

func (s *shared) Delete(ctx context.Context, owner crypto.Address, upTo uint64) error {
	return s.next().Delete(ctx, owner, upTo)
}

func (s *shared) Expired(ctx context.Context, after crypto.Address, before protocol.UnixMilli, max int) (crypto.Address, []relay.Stored, error) {
	return s.next().Expired(ctx, after, before, max)
}

func (s *shared) Ready(ctx context.Context) error { return s.next().Ready(ctx) }
