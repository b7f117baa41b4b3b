package owner_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"secure-messaging/internal/backup"
	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func nothingLost(*http.Request) bool { return false }

// device is an account on one machine.
type device struct {
	*owner.Account
	t        *testing.T
	creation owner.Creation
}

func newDevice(t *testing.T, name string, server client.Server) *device {
	t.Helper()
	d := &device{t: t, creation: creation(name, server, t.TempDir())}
	a, err := owner.Create(t.Context(), d.creation)
	if err != nil {
		t.Fatal(err)
	}
	d.Account = a
	t.Cleanup(func() { d.Close(0) })
	d.start()
	return d
}

func (d *device) start() {
	d.t.Helper()
	if err := d.Start(); err != nil {
		d.t.Fatal(err)
	}
}

// open opens the profile again after it was closed.
func (d *device) open() {
	d.t.Helper()
	ref, _ := d.creation.Place(d.creation.Name, d.creation.Server)
	a, err := owner.Open(d.t.Context(), ref, func(ctx context.Context, _ int) ([]byte, error) { return d.creation.Passphrase(ctx) })
	if err != nil {
		d.t.Fatal(err)
	}
	d.Account = a
}

// backup makes one in between, and goes on.
func (d *device) backup(code backup.Code) []byte {
	d.t.Helper()
	d.Close(0)
	d.open()
	var out bytes.Buffer
	if err := d.Backup(&out, code, true); err != nil {
		d.t.Fatal(err)
	}
	d.start()
	return out.Bytes()
}

// restoration is how a backup comes to another machine.
func (d *device) restoration(file []byte, code backup.Code) (owner.Restoration, *device) {
	c := creation(d.creation.Name, d.creation.Server, d.t.TempDir())
	return owner.Restoration{
		File: bytes.NewReader(file), Code: code, Cost: c.Cost, Place: c.Place,
		Passphrase: func(ctx context.Context, _ string) ([]byte, error) { return c.Passphrase(ctx) },
	}, &device{t: d.t, creation: c}
}

// restore brings a backup to another machine, and starts there.
func (d *device) restore(file []byte, code backup.Code) *device {
	d.t.Helper()
	r, fresh := d.restoration(file, code)
	a, err := owner.Restore(d.t.Context(), r)
	if err != nil {
		d.t.Fatal(err)
	}
	fresh.Account = a
	d.t.Cleanup(func() { fresh.Close(0) })
	fresh.start()
	if _, err := fresh.Reconnect(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return fresh
}

// until waits for a condition.
func (d *device) until(what string, is func() (bool, error)) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	var position uint64
	if err := client.Await(ctx, d, &position, func([]client.Event) (bool, error) { return is() }); err != nil {
		d.t.Fatalf("%s: %v", what, err)
	}
}

func (d *device) hears(text string) {
	d.t.Helper()
	d.until(text, func() (bool, error) {
		ms, err := d.History(d.t.Context(), client.Query{})
		return slices.ContainsFunc(ms, func(m client.Message) bool { return m.Text == text }), err
	})
}

func (d *device) says(to, text string) {
	d.t.Helper()
	if _, err := d.Send(d.t.Context(), to, text); err != nil {
		d.t.Fatal(err)
	}
}

func (d *device) contact(name string) (c client.Contact, err error) {
	cs, err := d.Contacts(d.t.Context())
	if i := slices.IndexFunc(cs, func(c client.Contact) bool { return c.Name == name }); i >= 0 {
		c = cs[i]
	}
	return c, err
}

func (d *device) befriends(o *device) {
	d.t.Helper()
	me, other := d.creation.Name, o.creation.Name
	if _, err := d.Connect(d.t.Context(), other, ""); err != nil {
		d.t.Fatal(err)
	}
	stands := func(name string, to client.ContactState) func(*device) func() (bool, error) {
		return func(d *device) func() (bool, error) {
			return func() (bool, error) { c, err := d.contact(name); return c.State == to, err }
		}
	}
	o.until("a request", stands(me, client.Incoming)(o))
	if _, err := o.Accept(d.t.Context(), me); err != nil {
		d.t.Fatal(err)
	}
	d.until("an answer", stands(other, client.Accepted)(d))
}

// members waits until a group has these.
func (d *device) members(group string, want ...string) {
	d.t.Helper()
	d.until("who is in "+group, func() (bool, error) {
		gs, err := d.Groups(d.t.Context())
		for _, g := range gs {
			var names []string
			for _, m := range g.Members {
				names = append(names, m.Name)
			}
			if g.Name == group && slices.Equal(names, want) {
				return true, err
			}
		}
		return false, err
	})
}

func (d *device) changes(group string, change client.GroupChange) {
	d.t.Helper()
	if _, err := d.ChangeGroup(d.t.Context(), group, change); err != nil {
		d.t.Fatal(err)
	}
}

// TestRestoreMember: who comes back from before somebody was removed from a group
// hears of it from its owner, and does not go on writing to them.
func TestRestoreMember(t *testing.T) {
	server := relayBehind(t, nothingLost)
	alice, bob, carol := newDevice(t, "alice", server), newDevice(t, "bob", server), newDevice(t, "carol", server)
	alice.befriends(bob)
	alice.befriends(carol)
	bob.befriends(carol)
	if _, err := alice.MakeGroup(t.Context(), "ops", []string{"bob", "carol"}); err != nil {
		t.Fatal(err)
	}
	bob.members("+ops", "alice", "bob", "carol")
	code := backup.NewCode()
	file := bob.backup(code)
	alice.changes("+ops", client.GroupChange{Remove: []string{"carol"}})
	bob.members("+ops", "alice", "bob")

	fresh := bob.restore(file, code)
	fresh.members("+ops", "alice", "bob")
	fresh.says("+ops", "without carol")
	alice.hears("without carol")
	alice.says("+ops", "well")
	fresh.hears("well")
}

// TestRestoreOwner: the members of a group believe its owner who comes back from
// before they last heard of it, and whom they would refuse to say anything twice.
func TestRestoreOwner(t *testing.T) {
	server := relayBehind(t, nothingLost)
	alice, bob, carol := newDevice(t, "alice", server), newDevice(t, "bob", server), newDevice(t, "carol", server)
	alice.befriends(bob)
	alice.befriends(carol)
	if _, err := alice.MakeGroup(t.Context(), "ops", []string{"bob"}); err != nil {
		t.Fatal(err)
	}
	bob.members("+ops", "alice", "bob")
	code := backup.NewCode()
	file := alice.backup(code)
	for range 3 {
		alice.changes("+ops", client.GroupChange{Add: []string{"carol"}})
		alice.changes("+ops", client.GroupChange{Remove: []string{"carol"}})
	}
	alice.says("bob", "that was all")
	bob.hears("that was all")

	fresh := alice.restore(file, code)
	fresh.changes("+ops", client.GroupChange{Add: []string{"carol"}})
	bob.members("+ops", "alice", "bob", "carol")
	carol.members("+ops", "alice", "bob", "carol")
}

// TestRestoreAgain: a backup can be restored as often as somebody likes, also
// where a clock was ahead; the latest device is the account's, and those before
// are told. Grades and what was said are as they were.
func TestRestoreAgain(t *testing.T) {
	server := relayBehind(t, nothingLost)
	alice, bob := newDevice(t, "alice", server), newDevice(t, "bob", server)
	newDevice(t, "mallory", server) // whom the relay does not know, it forgets
	alice.befriends(bob)
	s, err := alice.Safety(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Trust(t.Context(), "bob", client.MarkVerified, s.Number); err != nil {
		t.Fatal(err)
	}
	alice.says("bob", "before the loss")
	bob.hears("before the loss")
	if err := alice.Block(t.Context(), "mallory"); err != nil {
		t.Fatal(err)
	}
	code := backup.NewCode()
	file := alice.backup(code)

	devices := []*device{alice}
	for _, text := range []string{"first", "second"} {
		before := devices[len(devices)-1]
		fresh := alice.restore(file, code)
		devices = append(devices, fresh)
		before.until("the end of the device before", func() (bool, error) {
			s, err := before.Status(t.Context())
			return s.Fatal && s.Code == client.CodeRefused, err
		})
		fresh.hears("before the loss")
		for name, want := range map[string]client.Contact{"bob": {State: client.Accepted, Trust: client.Verified}, "mallory": {State: client.Blocked}} {
			if c, err := fresh.contact(name); err != nil || c.State != want.State || c.Trust != want.Trust {
				t.Errorf("%s is %+v (%v)", name, c, err)
			}
		}
		fresh.says("bob", text)
		bob.hears(text)
		bob.says("alice", "and "+text)
		fresh.hears("and " + text)
	}

	// Another machine's clock is an hour ahead.
	var key crypto.AccountPrivate
	if err := backup.Read(bytes.NewReader(file), code, backup.Reader{
		Account: func(a backup.Account) error { key = *a.Key; return nil },
		Contact: func(backup.Contact) error { return nil }, Group: func(backup.Group) error { return nil }, Message: func(backup.Message) error { return nil },
	}); err != nil {
		t.Fatal(err)
	}
	met, relay, err := client.Meet(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	ahead, first, err := client.NewDevice(met, relay, key, "alice", time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Register(t.Context(), ahead, first); err != nil {
		t.Fatal(err)
	}
	fresh := alice.restore(file, code)
	fresh.says("bob", "third")
	bob.hears("third")
}

// TestRestoreCutOff: where the relay's answer was lost, the profile is there with
// all that was in the backup, and the next login goes on, sessions included, also
// where the relay cannot be reached at first.
func TestRestoreCutOff(t *testing.T) {
	var losing, away atomic.Bool
	server := relayBehind(t, func(r *http.Request) bool {
		return losing.Load() && r.URL.Path == protocol.PathRegister || away.Load() && r.URL.Path == protocol.PathSocket
	})
	alice, bob := newDevice(t, "alice", server), newDevice(t, "bob", server)
	alice.befriends(bob)
	code := backup.NewCode()
	file := alice.backup(code)
	r, fresh := alice.restoration(file, code)
	losing.Store(true)
	if _, err := owner.Restore(t.Context(), r); !errors.Is(err, client.ErrUnreachable) {
		t.Fatal(err)
	}
	losing.Store(false)
	fresh.open()
	defer func() { fresh.Close(0) }()
	if err := fresh.Register(t.Context()); err != nil {
		t.Fatal(err)
	}
	away.Store(true)
	fresh.start()
	fresh.until("a failed try", func() (bool, error) {
		s, err := fresh.Status(t.Context())
		return s.State == client.Offline, err
	})
	away.Store(false)
	fresh.until("a session with bob", func() (bool, error) {
		_, err := fresh.Send(t.Context(), "bob", "here I am")
		if e := (*client.Error)(nil); errors.As(err, &e) && e.Code == client.CodeInternal { // not yet
			return false, nil
		}
		return err == nil, err
	})
	bob.hears("here I am")
}

// TestRestoreRefused: a backup of an account that the relay gave to somebody else,
// or that does not open, leaves nothing behind.
func TestRestoreRefused(t *testing.T) {
	server := relayBehind(t, nothingLost)
	alice := newDevice(t, "alice", server)
	met, relay, err := client.Meet(t.Context(), server)
	if err != nil {
		t.Fatal(err)
	}
	other, _, err := client.NewKeys(met, relay, "alice", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	code := backup.NewCode()
	var out bytes.Buffer
	if err := backup.Write(&out, code, backup.Account{Server: met.String(), Relay: relay, Key: &other.Account, Device: other.Certificate}, nil, nil, nil); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		file []byte
		code backup.Code
		want error
	}{
		{out.Bytes(), code, client.ErrTaken},
		{out.Bytes(), backup.NewCode(), client.ErrLocked},
		{out.Bytes()[:out.Len()-1], code, client.ErrLocked},
	} {
		r, fresh := alice.restoration(x.file, x.code)
		if _, err := owner.Restore(t.Context(), r); !errors.Is(err, x.want) {
			t.Errorf("got %v, want %v", err, x.want)
		}
		ref, _ := fresh.creation.Place("alice", server)
		if _, err := profile.Acquire(ref); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("the profile: %v", err)
		}
	}
	if err := alice.Close(0); err != nil {
		t.Error(err)
	}
}
