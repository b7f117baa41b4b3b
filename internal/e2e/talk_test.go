//go:build unix

package e2e

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/internal/agent"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

// person is an account with a profile on the disk, asked over its socket as
// every program but its owner does.
type person struct {
	t    *testing.T
	name string
	ref  profile.Ref
	client.Account
	stop func() // ends the owner and closes the profile
}

// newPerson registers somebody at a relay.
func newPerson(t *testing.T, r *relay, dir, name string) *person {
	t.Helper()
	at, err := client.ParseServer(r.url)
	if err != nil {
		t.Fatal(err)
	}
	server, key, err := client.Meet(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	keys, first, err := client.NewKeys(server, key, name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, name: name, ref: profile.Ref{Name: name, Server: server.Address(), Dir: filepath.Join(dir, name)}}
	store, err := profile.Create(p.ref, keys, first, []byte(passphrase), cheap)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Register(t.Context(), keys, first); err != nil {
		t.Fatal(err)
	}
	p.own(store)
	return p
}

// own runs an account of a store, and reaches it over its socket.
func (p *person) own(store *profile.Store) {
	p.t.Helper()
	c, err := client.New(store)
	if err != nil {
		p.t.Fatal(err)
	}
	socket := filepath.Join(p.ref.Dir, "s")
	ln, err := agent.Listen(socket)
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	running.Go(func() { agent.NewServer(c).Serve(ctx, ln) })
	remote, err := agent.Dial(p.t.Context(), socket)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Account = remote
	p.stop = sync.OnceFunc(func() {
		remote.Close()
		cancel()
		running.Wait()
		if err := store.Close(); err != nil {
			p.t.Error(err)
		}
	})
	p.t.Cleanup(p.stop)
}

// again is the next run of a program that has ended.
func (p *person) again() {
	p.t.Helper()
	p.stop()
	lock, err := profile.Acquire(p.ref)
	if err != nil {
		p.t.Fatal(err)
	}
	store, err := lock.Open([]byte(passphrase))
	if err != nil {
		p.t.Fatal(err)
	}
	p.own(store)
}

// until waits until something holds.
func (p *person) until(what string, holds func(ctx context.Context) (bool, error)) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), endTime)
	defer cancel()
	var position uint64
	if err := client.Await(ctx, p, &position, func([]client.Event) (bool, error) { return holds(ctx) }); err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, what, err)
	}
}

// sees waits until the history is as it should be, told as who said what.
func (p *person) sees(want ...string) (ms []client.Message) {
	p.t.Helper()
	var got []string
	ctx, cancel := context.WithTimeout(p.t.Context(), endTime)
	defer cancel()
	var position uint64
	err := client.Await(ctx, p, &position, func([]client.Event) (bool, error) {
		var err error
		ms, err = p.History(ctx, client.Query{})
		got = nil
		for _, m := range ms {
			got = append(got, line(m))
		}
		return slices.Equal(want, got), err
	})
	if err != nil {
		p.t.Fatalf("%s: %v (-want +got):\n%s", p.name, err, cmp.Diff(want, got))
	}
	return ms
}

func line(m client.Message) string {
	s := m.From + ": " + m.Text
	if m.Type != client.TypeText {
		s = fmt.Sprintf("%s: (%s %s)", m.From, m.Type, m.Text)
	}
	if m.Reply != nil {
		s += fmt.Sprintf(" <%s: %s>", m.Reply.From, m.Reply.Text)
	}
	if m.Edited {
		s += " edited"
	}
	if m.Deleted {
		s += " deleted"
	}
	for _, r := range m.Reactions {
		s += " " + r.From + r.Emoji
	}
	return s
}

// finds returns what a search finds.
func (p *person) finds(find string) (found []string) {
	p.t.Helper()
	ms, err := p.Search(p.t.Context(), client.Search{Find: find})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range ms {
		found = append(found, line(m))
	}
	return found
}

// TestTalk is a conversation with everything in it, between two profiles on the
// disk, through a relay that learns nothing of it.
func TestTalk(t *testing.T) {
	dir := t.TempDir()
	r := startRelay(t, environment(dir))
	alice, bob := newPerson(t, r, dir, "alice"), newPerson(t, r, dir, "bob")
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := alice.Connect(ctx, "bob", "")
	check(err)
	bob.until("a request", func(ctx context.Context) (bool, error) {
		_, err := bob.Accept(ctx, "alice")
		if errors.Is(err, client.ErrNotFound) {
			err = nil
			return false, nil
		}
		return err == nil, err
	})
	accepted := func(ctx context.Context) (bool, error) {
		cs, err := alice.Contacts(ctx)
		return len(cs) == 1 && cs[0].State == client.Accepted, err
	}
	alice.until("an answer", accepted)
	on := client.Settings{Receipts: true, Typing: true, Presence: true}
	check(errors.Join(alice.SetSettings(ctx, on), bob.SetSettings(ctx, on)))

	// Bob is away while Alice changes her mind.
	bob.stop()
	ten, err := alice.Send(ctx, "bob", "deploy at quarter past")
	check(err)
	_, err = alice.Edit(ctx, ten.Cursor, "deploy at eleven sharp")
	check(err)
	never, err := alice.Send(ctx, "bob", "never mind the mainframe")
	check(err)
	_, err = alice.Delete(ctx, never.Cursor)
	check(err)
	bob.again()
	here := bob.sees("alice: deploy at eleven sharp edited", "alice:  deleted")

	_, err = bob.Reply(ctx, here[0].Cursor, "with the new certificate")
	check(err)
	_, err = bob.React(ctx, here[0].Cursor, "🎉")
	check(err)
	check(bob.MarkRead(ctx, "alice", here[1].Cursor))
	talk := []string{"alice: deploy at eleven sharp edited bob🎉", "alice:  deleted", "bob: with the new certificate <alice: deploy at eleven sharp>"}
	alice.sees(talk...)
	bob.sees(talk...)
	alice.until("read", func(ctx context.Context) (bool, error) {
		m, err := alice.Message(ctx, ten.ID)
		return m.State == client.Read, err
	})
	for _, p := range []*person{alice, bob} {
		for find, want := range map[string][]string{"SHARP ele": {talk[0]}, "quarter": nil, "mainframe": nil, "certif": {talk[2]}} {
			if diff := cmp.Diff(want, p.finds(find)); diff != "" {
				t.Errorf("%s looks for %q: %s", p.name, find, diff)
			}
		}
	}

	// What disappears is gone on both sides, and stays so.
	_, err = bob.Disappear(ctx, "alice", time.Second)
	check(err)
	talk = append(talk, "bob: (timer 1)")
	alice.sees(talk...)
	_, err = alice.Send(ctx, "bob", "the vault is under the stairs")
	check(err)
	bob.until("the last", func(ctx context.Context) (bool, error) {
		ms, err := bob.History(ctx, client.Query{Limit: 1})
		if err != nil || ms[0].Disappear == 0 {
			return false, err
		}
		return true, bob.MarkRead(ctx, "alice", ms[0].Cursor)
	})
	alice.sees(talk...)
	bob.sees(talk...)

	view := client.View{Contact: "bob", Draft: "what I never sent", Replies: here[0].Cursor, Line: 2}
	check(alice.SetView(ctx, view))
	alice.again()
	bob.again()
	for _, p := range []*person{alice, bob} {
		p.sees(talk...)
		if found := p.finds("vault"); found != nil {
			t.Errorf("%s finds %q", p.name, found)
		}
		if got, err := p.Settings(ctx); got != on || err != nil {
			t.Errorf("%s has the settings %+v, %v", p.name, got, err)
		}
	}
	if got, err := alice.Views(ctx); err != nil || !cmp.Equal([]client.View{view}, got) {
		t.Errorf("views %+v, %v", got, err)
	}
	alice.stop()
	bob.stop()
	check(r.end(syscall.SIGTERM))
	searchFor(t, dir, []string{"quarter past", "eleven sharp", "mainframe", "new certificate", "under the stairs", "never sent", "🎉"})
}
