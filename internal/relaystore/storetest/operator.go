package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// runOperator tests what an operator decides: who comes in, and who goes.
func runOperator(t *testing.T, all func(string, func(*testing.T, Store))) {
	t.Helper()
	all("an invite", testInvite)
	all("an invite, many takers", testInviteRace)
	all("room for invites", testInviteLimit)
	all("unsound invites", testUnsoundInvites)
	all("users in pages", testAccountPages)
	all("suspended", testSuspended)
	all("removed", testRemoved)
}

// now is when the tests take place; it is before the end of NewInvite's.
const now = protocol.UnixMilli(1_800_000_000_000)

// NewInvite makes an invite with a fresh code.
func NewInvite(uses uint32) (relay.Invite, crypto.InviteCode) {
	code := crypto.NewInviteCode()
	return relay.Invite{Hash: code.Hash(), Created: now - 1, Expires: now + 1, Uses: uses, Left: uses, Note: "for the tests"}, code
}

func addInvite(t *testing.T, s Store, i relay.Invite) {
	t.Helper()
	if err := s.AddInvite(context.Background(), i); err != nil {
		t.Fatal(err)
	}
}

// left returns how many uses an invite has left, -1 if it is not there.
func left(t *testing.T, s Store, h crypto.InviteHash) int {
	t.Helper()
	held, err := s.Invites(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range held {
		if i.Hash == h {
			return int(i.Left)
		}
	}
	return -1
}

func wantLeft(t *testing.T, s Store, h crypto.InviteHash, want int) {
	t.Helper()
	if got := left(t, s, h); got != want {
		t.Fatalf("the invite has %d uses left, want %d", got, want)
	}
}

func testInvite(t *testing.T, s Store) {
	ctx := context.Background()
	i, _ := NewInvite(2)
	enter := func(name crypto.Username, h crypto.InviteHash, at protocol.UnixMilli) error {
		return s.CreateInvited(ctx, NewCertificate(name), NewPrekey(1), h, at)
	}
	if err := enter("alice", i.Hash, now); !errors.Is(err, relay.ErrInvite) {
		t.Fatalf("by none: %v", err)
	}
	addInvite(t, s, i)
	if held, err := s.Invites(ctx); err != nil || len(held) != 1 || held[0] != i {
		t.Fatalf("the invites are %+v, %v", held, err)
	}
	if err := enter("alice", i.Hash, i.Expires); !errors.Is(err, relay.ErrInvite) {
		t.Fatalf("at its end: %v", err)
	}
	if _, err := s.User(ctx, "alice"); !errors.Is(err, relay.ErrNotFound) {
		t.Fatalf("who was refused: %v", err)
	}
	alice := NewCertificate("alice")
	if err := s.CreateInvited(ctx, alice, NewPrekey(1), i.Hash, now); err != nil {
		t.Fatal(err)
	}
	sameCertificate(t, s, alice)
	wantLeft(t, s, i.Hash, 1)
	for range 2 { // the same again, and somebody else, cost nothing
		if err := s.CreateInvited(ctx, alice, NewPrekey(1), i.Hash, now); !errors.Is(err, relay.ErrExists) {
			t.Fatalf("a taken name: %v", err)
		}
		if err := enter("alice", crypto.InviteHash{1}, now); !errors.Is(err, relay.ErrExists) {
			t.Fatalf("a taken name by no invite: %v", err)
		}
	}
	wantLeft(t, s, i.Hash, 1)
	addInvite(t, s, i) // again gives no use back
	wantLeft(t, s, i.Hash, 1)
	if err := enter("bob", i.Hash, now); err != nil {
		t.Fatal(err)
	}
	if err := enter("carol", i.Hash, now); !errors.Is(err, relay.ErrInvite) {
		t.Fatalf("once it is used up: %v", err)
	}
	wantLeft(t, s, i.Hash, 0)
	for _, want := range []error{nil, relay.ErrInvite} {
		if err := s.RevokeInvite(ctx, i.Hash.ID()); !errors.Is(err, want) {
			t.Fatalf("revoked: %v, want %v", err, want)
		}
	}
	wantLeft(t, s, i.Hash, -1)
}

// testInviteRace: whoever has one use, however many come at once, is one.
func testInviteRace(t *testing.T, s Store) {
	const uses, racers = 3, 16
	i, _ := NewInvite(uses)
	addInvite(t, s, i)
	var in atomic.Int64
	var wg sync.WaitGroup
	for n := range racers {
		wg.Go(func() {
			name := crypto.Username("racer_" + string(rune('a'+n)))
			switch err := s.CreateInvited(context.Background(), NewCertificate(name), NewPrekey(1), i.Hash, now); {
			case err == nil:
				in.Add(1)
			case !errors.Is(err, relay.ErrInvite):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	accounts, err := s.Accounts(context.Background(), "", racers)
	if err != nil || in.Load() != uses || len(accounts) != uses {
		t.Fatalf("%d came in and %d are there, %v, by an invite for %d", in.Load(), len(accounts), err, uses)
	}
	wantLeft(t, s, i.Hash, 0)
}

// testInvitedFault: in both cases one use is gone once the user is there, and
// none before.
func testInvitedFault(t *testing.T, s Store, fault Fault) {
	ctx := context.Background()
	i, _ := NewInvite(2)
	addInvite(t, s, i)
	c, p := NewCertificate("alice"), NewPrekey(1)
	wantFault(t, s.CreateInvited(ctx, c, p, i.Hash, now))
	_, err := s.User(ctx, "alice")
	if there := err == nil; there != (left(t, s, i.Hash) == 1) {
		t.Fatalf("the user is there: %v, with %d uses left", there, left(t, s, i.Hash))
	}
	wantAgain(t, s.CreateInvited(ctx, c, p, i.Hash, now), fault, relay.ErrExists)
	sameCertificate(t, s, c)
	wantLeft(t, s, i.Hash, 1)
}

func testInviteLimit(t *testing.T, s Store) {
	var last relay.Invite
	for range relay.MaxInvites {
		last, _ = NewInvite(1)
		addInvite(t, s, last)
	}
	more, _ := NewInvite(1)
	if err := s.AddInvite(context.Background(), more); !errors.Is(err, relay.ErrInvitesFull) {
		t.Fatalf("beyond the limit: %v", err)
	}
	addInvite(t, s, last)
	if err := s.RevokeInvite(context.Background(), last.Hash.ID()); err != nil {
		t.Fatal(err)
	}
	addInvite(t, s, more)
}

func testUnsoundInvites(t *testing.T, s Store) {
	for name, spoil := range map[string]func(*relay.Invite){
		"no uses":       func(i *relay.Invite) { i.Uses, i.Left = 0, 0 },
		"too many uses": func(i *relay.Invite) { i.Uses = relay.MaxInviteUses + 1 },
		"more left":     func(i *relay.Invite) { i.Left = i.Uses + 1 },
		"a long note":   func(i *relay.Invite) { i.Note = strings.Repeat("x", relay.MaxInviteNote+1) },
	} {
		i, _ := NewInvite(1)
		spoil(&i)
		if err := s.AddInvite(context.Background(), i); err == nil {
			t.Errorf("%s: it was stored", name)
		}
	}
}

func names(accounts []relay.Account) (list []crypto.Username) {
	for _, a := range accounts {
		list = append(list, a.Certificate.User)
	}
	return list
}

func testAccountPages(t *testing.T, s Store) {
	ctx := context.Background()
	for _, name := range []crypto.Username{"bob", "alice_", "carol", "alice"} {
		if err := s.CreateUser(ctx, NewCertificate(name), NewPrekey(1)); err != nil {
			t.Fatal(err)
		}
	}
	for _, page := range []struct {
		after crypto.Username
		max   int
		want  []crypto.Username
	}{
		{"", 2, []crypto.Username{"alice", "alice_"}}, {"alice_", 2, []crypto.Username{"bob", "carol"}}, {"carol", 2, nil},
		{"alice", 1, []crypto.Username{"alice_"}}, {"b", 10, []crypto.Username{"bob", "carol"}},
	} {
		got, err := s.Accounts(ctx, page.after, page.max)
		if err != nil || !slices.Equal(names(got), page.want) {
			t.Errorf("%d after %q: %q, %v", page.max, page.after, names(got), err)
		}
	}
}

func testSuspended(t *testing.T, s Store) {
	ctx := context.Background()
	c := NewCertificate("alice")
	if err := s.Suspend(ctx, "alice", now); !errors.Is(err, relay.ErrNotFound) {
		t.Fatalf("nobody: %v", err)
	}
	if err := s.CreateUser(ctx, c, NewPrekey(1)); err != nil {
		t.Fatal(err)
	}
	for _, since := range []protocol.UnixMilli{0, now, now + 1, 0} {
		if err := s.Suspend(ctx, "alice", since); err != nil {
			t.Fatal(err)
		}
		if a, err := s.Account(ctx, "alice"); err != nil || a.Suspended != since || a.Certificate.Hash() != c.Hash() {
			t.Fatalf("suspended since %d, %v, want %d", a.Suspended, err, since)
		}
	}
	if err := s.Suspend(ctx, "alice", now); err != nil {
		t.Fatal(err)
	}
	fresh := newCertificate("alice", crypto.NewDeviceID())
	if err := s.ReplaceDevice(ctx, c, fresh, NewPrekey(1)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Accounts(ctx, "", 9); err != nil || len(got) != 1 || got[0].Suspended != now {
		t.Errorf("on a new device: %+v, %v", got, err)
	}
}

// testRemoved: nothing is left of a user but the name, which nobody gets.
func testRemoved(t *testing.T, s Store) {
	ctx := context.Background()
	alice, bystander := NewCertificate("alice"), NewCertificate("alice_")
	for _, c := range []crypto.Certificate{alice, bystander} {
		if err := s.CreateUser(ctx, c, NewPrekey(1)); err != nil {
			t.Fatal(err)
		}
		if err := s.AddPrekeys(ctx, c.Address(), relay.RawPrekey{}, []relay.RawPrekey{NewPrekey(2), NewPrekey(3)}); err != nil {
			t.Fatal(err)
		}
	}
	hers := []relay.Pair{relay.PairOf("alice", "bob"), relay.PairOf("alice", "aaron"), relay.PairOf("alice", "alice_")}
	others := relay.PairOf("alice_", "bob")
	for _, p := range append(hers, others) {
		if err := s.SetRelation(ctx, p, relay.Relation{Accepted: true}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Suspend(ctx, "alice", now); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(ctx, NewCertificate("alice")); !errors.Is(err, relay.ErrConflict) {
		t.Fatalf("by another certificate: %v", err)
	}
	if err := s.Remove(ctx, alice); err != nil {
		t.Fatal(err)
	}
	if _, err := s.User(ctx, "alice"); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("looked up: %v", err)
	}
	if _, err := s.Account(ctx, "alice"); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("looked at: %v", err)
	}
	if got, err := s.Accounts(ctx, "", 9); err != nil || !slices.Equal(names(got), []crypto.Username{"alice_"}) {
		t.Errorf("the users are %q, %v", names(got), err)
	}
	Left(t, s, alice.Address(), relay.RawPrekey{})
	for _, p := range hers {
		if r, err := s.Relation(ctx, p); err != nil || r != (relay.Relation{}) {
			t.Errorf("%v: %+v, %v", p, r, err)
		}
	}
	if r, err := s.Relation(ctx, others); err != nil || !r.Accepted {
		t.Errorf("a bystander's: %+v, %v", r, err)
	}
	i, _ := NewInvite(1)
	addInvite(t, s, i)
	for name, err := range map[string]error{
		"again":     s.CreateUser(ctx, alice, NewPrekey(1)),
		"to others": s.CreateUser(ctx, NewCertificate("alice"), NewPrekey(1)),
		"by invite": s.CreateInvited(ctx, NewCertificate("alice"), NewPrekey(1), i.Hash, now),
	} {
		if !errors.Is(err, relay.ErrExists) {
			t.Errorf("the name was given %s: %v", name, err)
		}
	}
	wantLeft(t, s, i.Hash, 1)
	if err := s.ReplaceDevice(ctx, alice, NewCertificate("alice"), NewPrekey(1)); err == nil {
		t.Error("a removed user has a new device")
	}
	if err := s.Suspend(ctx, "alice", now); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("suspended: %v", err)
	}
}

// CreateInvited implements relay.Invites.
func (f *Faulty) CreateInvited(ctx context.Context, c crypto.Certificate, signed relay.RawPrekey, code crypto.InviteHash, at protocol.UnixMilli) error {
	return f.write("CreateInvited", func() error { return f.Store.CreateInvited(ctx, c, signed, code, at) })
}

func (s *shared) CreateInvited(ctx context.Context, c crypto.Certificate, signed relay.RawPrekey, code crypto.InviteHash, at protocol.UnixMilli) error {
	return s.next().CreateInvited(ctx, c, signed, code, at)
}

func (s *shared) AddInvite(ctx context.Context, i relay.Invite) error {
	return s.next().AddInvite(ctx, i)
}

func (s *shared) Invites(ctx context.Context) ([]relay.Invite, error) { return s.next().Invites(ctx) }

func (s *shared) RevokeInvite(ctx context.Context, id crypto.InviteID) error {
	return s.next().RevokeInvite(ctx, id)
}

func (s *shared) Accounts(ctx context.Context, after crypto.Username, max int) ([]relay.Account, error) {
	return s.next().Accounts(ctx, after, max)
}

func (s *shared) Account(ctx context.Context, name crypto.Username) (relay.Account, error) {
	return s.next().Account(ctx, name)
}

func (s *shared) Suspend(ctx context.Context, name crypto.Username, since protocol.UnixMilli) error {
	return s.next().Suspend(ctx, name, since)
}

func (s *shared) Remove(ctx context.Context, c crypto.Certificate) error {
	return s.next().Remove(ctx, c)
}

func (s *shared) FilesOf(ctx context.Context, owner crypto.Username) ([]relay.File, error) {
	return s.next().FilesOf(ctx, owner)
}

func (s *shared) MailboxUse(ctx context.Context, owner crypto.Address) (relay.MailboxUse, error) {
	return s.next().MailboxUse(ctx, owner)
}
