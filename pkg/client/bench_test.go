package client_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

// What a device on a real disk takes in and sends a second:
//
//	go test ./pkg/client -run '^$' -bench . -benchtime 2000x

// newBench makes a relay, alice in memory, and bob with a profile on the disk,
// who are contacts and not connected.
func newBench(b *testing.B) (alice, bob *client.Client) {
	b.Helper()
	r, err := startRelay()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(r.stop)
	ctx := b.Context()
	if alice, err = newAccount(ctx, r.server, "alice"); err != nil {
		b.Fatal(err)
	}
	server, key, err := client.Meet(ctx, r.server)
	if err != nil {
		b.Fatal(err)
	}
	keys, first, err := client.NewKeys(server, key, "bob", time.Now())
	if err != nil {
		b.Fatal(err)
	}
	ref := profile.Ref{Name: "bob", Server: server.Address(), Dir: filepath.Join(b.TempDir(), "bob")}
	store, err := profile.Create(ref, keys, first, []byte("correct horse"), keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	if err := client.Register(ctx, keys, first); err != nil {
		b.Fatal(err)
	}
	if bob, err = client.New(store); err != nil {
		b.Fatal(err)
	}
	stopAlice, stopBob := running(alice), running(bob)
	befriend(ctx, b, alice, bob, "alice", "bob")
	stopAlice()
	stopBob()
	return alice, bob
}

func running(c *client.Client) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); c.Run(ctx) }()
	return func() { cancel(); <-done }
}

// BenchmarkReceive takes what has waited at the relay.
func BenchmarkReceive(b *testing.B) {
	alice, bob := newBench(b)
	ctx := b.Context()
	alice, bob = client.Reopen(b, alice), client.Reopen(b, bob)
	position, err := bob.Events(ctx, 0)
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		if _, err := alice.Send(ctx, "bob", fmt.Sprintf("message %d, of about the length that people write", i)); err != nil {
			b.Fatal(err)
		}
	}
	stop := running(alice)
	var heard uint64
	err = client.Await(ctx, alice, &heard, func([]client.Event) (bool, error) {
		st, err := alice.Status(ctx)
		return st.Waiting == 0, err
	})
	if err != nil {
		b.Fatal(err)
	}
	stop()
	b.ResetTimer()
	stop = running(bob)
	err = client.Await(ctx, bob, &position.Next, func([]client.Event) (bool, error) {
		cs, err := bob.Contacts(ctx)
		if len(cs) != 1 {
			err = errors.Join(err, fmt.Errorf("contacts %+v", cs))
		}
		return err == nil && cs[0].Unread == b.N, err
	})
	b.StopTimer()
	stop()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkSend is many parts of a program that send at the same time.
func BenchmarkSend(b *testing.B) {
	for _, senders := range []int{1, 20} {
		b.Run(fmt.Sprint(senders), func(b *testing.B) {
			_, bob := newBench(b)
			var wait sync.WaitGroup
			b.ResetTimer()
			for n := range senders {
				wait.Go(func() {
					for i := n; i < b.N; i += senders {
						if _, err := bob.Send(b.Context(), "alice", "a word of a bot"); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wait.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}
