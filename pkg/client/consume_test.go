package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"secure-messaging/pkg/client"
)

// TestConsume: what was not handled comes again, and what was does not; a new
// consumer begins with what comes from then on.
func TestConsume(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := startRelay()
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	bot, err1 := newAccount(ctx, r.server, "bot")
	alice, err2 := newAccount(ctx, r.server, "alice")
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	online, offline := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { bot.Run(online) })
	running.Go(func() { alice.Run(online) })
	defer running.Wait()
	defer offline()
	befriend(ctx, t, alice, bot, "alice", "bot")

	send := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			if _, err := alice.Send(ctx, "bot", fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	var handled []string
	enough := errors.New("enough")
	consume := func(name string, until, failing string) {
		t.Helper()
		err := client.Consume(ctx, bot, name, func(m client.Message) error {
			if m.Text == failing {
				return enough
			}
			handled = append(handled, m.Text)
			if m.Text == until {
				return enough
			}
			return nil
		})
		if !errors.Is(err, enough) {
			t.Fatal(err)
		}
	}
	if err := bot.Ack(ctx, "first", 0); err != nil { // from the beginning
		t.Fatal(err)
	}
	send(0, 5)
	consume("first", "", "3")
	consume("first", "", "4") // 3 again, and then it fails at 4
	if want := "[0 1 2 3]"; fmt.Sprint(handled) != want {
		t.Errorf("handled %v, want %s", handled, want)
	}
	handled = nil
	began := make(chan struct{})
	go func() {
		<-began
		send(5, 7)
	}()
	fresh := &announced{Account: bot, asked: began}
	err = client.Consume(ctx, fresh, "second", func(m client.Message) error {
		if handled = append(handled, m.Text); m.Text == "6" {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || fmt.Sprint(handled) != "[5 6]" {
		t.Errorf("a new consumer has handled %v, %v", handled, err)
	}
}

// announced says when a consumer has its place.
type announced struct {
	client.Account
	asked chan struct{}
	once  sync.Once
}

func (a *announced) History(ctx context.Context, q client.Query) ([]client.Message, error) {
	if q.Incoming {
		a.once.Do(func() { close(a.asked) })
	}
	return a.Account.History(ctx, q)
}
