package client_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
)

// testRelay is a real relay with its store in memory, on loopback behind TLS.
type testRelay struct {
	server client.Server // without a pin
	key    crypto.RelayPrivate
	store  *relaystore.Store
	web    *httptest.Server
	change func(*relay.Config) // nil for none
	now    atomic.Pointer[relay.Relay]
}

func startRelay() (*testRelay, error) {
	store, err := relaystore.OpenMem()
	if err != nil {
		return nil, err
	}
	r := &testRelay{key: crypto.NewRelayPrivate(), store: store}
	r.start()
	cert, err := crypto.MakeTLSCertificate(r.key, []string{"127.0.0.1"}, time.Now())
	if err != nil {
		return nil, err
	}
	r.web = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.now.Load().Handler().ServeHTTP(w, req)
	}))
	r.web.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.web.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	r.web.StartTLS()
	r.server, err = client.ParseServer(r.web.URL)
	return r, err
}

func (r *testRelay) start() {
	cfg := relay.Config{Key: r.key, Directory: r.store, Prekeys: r.store, Mailboxes: r.store, Files: r.store}
	if r.change != nil {
		r.change(&cfg)
	}
	r.now.Store(relay.New(cfg))
}

// restart ends the relay and all connections; a new one takes up the store.
func (r *testRelay) restart() error {
	err := r.now.Load().Shutdown(context.Background())
	r.start()
	return err
}

func (r *testRelay) stop() {
	r.now.Load().Shutdown(context.Background())
	r.web.Close()
	r.store.Close()
}

// newAccount makes keys, registers them, and keeps them in a store in memory.
// A program keeps them in a store that is sealed on disk.
func newAccount(ctx context.Context, server client.Server, name string) (*client.Client, error) {
	server, key, err := client.Meet(ctx, server)
	if err != nil {
		return nil, err
	}
	keys, first, err := client.NewKeys(server, key, name, time.Now())
	if err != nil {
		return nil, err
	}
	if err := client.Register(ctx, keys, first); err != nil {
		return nil, err
	}
	return client.New(client.NewMemStore(keys, first))
}

// befriend connects two running accounts.
func befriend(ctx context.Context, t testing.TB, a, b client.Account, nameA, nameB string) {
	t.Helper()
	var position uint64
	reached := func(p client.Account, name string, state client.ContactState) {
		t.Helper()
		err := client.Await(ctx, p, &position, func([]client.Event) (bool, error) {
			cs, err := p.Contacts(ctx)
			return slices.ContainsFunc(cs, func(c client.Contact) bool { return c.Name == name && c.State == state }), err
		})
		if err != nil {
			t.Fatal(err)
		}
		position = 0
	}
	if _, err := a.Connect(ctx, nameB, "hi"); err != nil {
		t.Fatal(err)
	}
	reached(b, nameA, client.Incoming)
	if _, err := b.Accept(ctx, nameA); err != nil {
		t.Fatal(err)
	}
	reached(a, nameB, client.Accepted)
}

// Through restarts of the relay and of both programs, each message arrives
// once and in order, and its author hears so.
func TestThroughRestarts(t *testing.T) {
	const total = 300
	r, err := startRelay()
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	ctx := t.Context()
	alice, err := newAccount(ctx, r.server, "alice")
	if err != nil {
		t.Fatal(err)
	}
	bob, err := newAccount(ctx, r.server, "bob")
	if err != nil {
		t.Fatal(err)
	}
	run := func(c *client.Client) (stop func()) {
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); c.Run(ctx) }()
		return func() { cancel(); <-done }
	}
	stopBob := run(bob)
	stopAlice := run(alice)
	befriend(ctx, t, alice, bob, "alice", "bob")

	sent := 0
	say := func(n int) {
		for range n {
			if _, err := alice.Send(ctx, "bob", fmt.Sprint(sent)); err != nil {
				t.Fatal(err)
			}
			sent++
		}
	}
	delivered := func() {
		var position uint64
		err := client.Await(ctx, alice, &position, func([]client.Event) (bool, error) {
			ms, err := alice.History(ctx, client.Query{Limit: client.MaxLimit})
			return !slices.ContainsFunc(ms, func(m client.Message) bool { return m.State != client.Delivered }), err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for range total / 60 {
		say(20)
		if err := r.restart(); err != nil {
			t.Fatal(err)
		}
		say(20)
		stopBob() // wherever he is; the next program goes on from his store
		bob = client.Reopen(t, bob)
		stopBob = run(bob)
		say(20)
		stopAlice()
		alice = client.Reopen(t, alice)
		stopAlice = run(alice)
		delivered()
	}
	stopAlice()
	stopBob()
	ms, err := bob.History(ctx, client.Query{Limit: client.MaxLimit})
	if err != nil || len(ms) != total {
		t.Fatalf("bob has %d messages, %v", len(ms), err)
	}
	for n, m := range ms {
		if m.Text != fmt.Sprint(n) || m.From != "alice" {
			t.Fatalf("message %d is %q of %s", n, m.Text, m.From)
		}
	}
}

// Example is a bot that answers, and somebody who talks to it. Both are
// written against Account, so they run as well over the private socket of a
// program that owns the account.
func Example() {
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	defer stop()
	r, err := startRelay()
	if err != nil {
		log.Fatal(err)
	}
	defer r.stop()
	bot, err := newAccount(ctx, r.server, "echo")
	if err != nil {
		log.Fatal(err)
	}
	alice, err := newAccount(ctx, r.server, "alice")
	if err != nil {
		log.Fatal(err)
	}

	// Whoever owns an account keeps it connected.
	online, offline := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { bot.Run(online) })
	running.Go(func() { alice.Run(online) })
	running.Go(func() { echo(online, bot) })
	defer running.Wait()
	defer offline()

	position, err := alice.Events(ctx, 0)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := alice.Connect(ctx, "echo", "It is me."); err != nil {
		log.Fatal(err)
	}
	greeted := false // other things of a contact change, too
	client.Await(ctx, alice, &position.Next, func(events []client.Event) (bool, error) {
		for _, e := range events {
			switch {
			case e.Kind == client.ContactChanged && e.Contact.State == client.Accepted && !greeted:
				greeted = true
				fmt.Println(e.Contact.Name, "has accepted")
				_, err := alice.Send(ctx, "echo", "hello")
				return false, err
			case e.Kind == client.MessageAdded && !e.Message.Outgoing():
				fmt.Println(e.Message.From, "says", e.Message.Text)
				return true, nil
			}
		}
		return false, nil
	})

	// Output:
	// echo has accepted
	// echo says HELLO
}

// echo accepts everybody and answers everything, until ctx ends.
func echo(ctx context.Context, a client.Account) {
	position, err := a.Events(ctx, 0)
	if err != nil {
		return
	}
	client.Await(ctx, a, &position.Next, func(events []client.Event) (bool, error) {
		for _, e := range events {
			var err error
			switch {
			case e.Kind == client.ContactChanged && e.Contact.State == client.Incoming:
				_, err = a.Accept(ctx, e.Contact.Name)
			case e.Kind == client.MessageAdded && !e.Message.Outgoing():
				_, err = a.Send(ctx, e.Message.Contact, strings.ToUpper(e.Message.Text))
			}
			if err != nil {
				return false, err
			}
		}
		return false, nil
	})
}
