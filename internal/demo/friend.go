package demo

import (
	"context"
	"errors"
	"strings"
	"time"

	"secure-messaging/pkg/client"
)

const (
	greeting = "Hello! I am Ada, a program in the same process as you. We talk through a real relay, sealed end to end: it routes our messages and can read none.\n\nWrite me something. \"help\" tells what I know."
	request  = "the demo's friend: accept me, and say hello"

	// thinking is how long the friend takes to answer: as somebody would who
	// types fast, so that one sees a message being delivered first.
	thinking = 600 * time.Millisecond
)

// topics are what the friend can tell about. The first whose word stands in a
// message is the answer.
var topics = []struct{ word, answer string }{
	{"help", "Ask me about: keys, states, scripts, newline, offline, relay, quit. Press F1 for all keys of this screen."},
	{"key", "Each of us made keys on our own machine. Compare my fingerprint with what I tell you by another way; from then on a changed key is refused."},
	{"state", "◌ waits on your disk, ✓ is on the relay's disk, ✓✓ is on mine. Nothing is forgotten before the next one has it."},
	{"script", "From a shell, with a real account: echo \"the build is green\" | chat send bob, and chat listen --json. They work while this screen is open."},
	{"newline", "alt+enter or ctrl+j begins a new line.\nLike\nthis."},
	{"offline", "Write while the relay is away: the message waits sealed on your disk and leaves by itself. If I am away, the relay keeps it, sealed, until I come."},
	{"relay", "Your own: server serve --addr :8443. It prints the line that your team types next."},
	{"quit", "ctrl+c twice. This demo leaves nothing behind. To stay: chat login NAME."},
}

// hints come one after the other when no topic fits.
var hints = []string{
	"Got it. Did you see the marks beside your message go from ◌ to ✓ to ✓✓? Ask me about \"states\".",
	"I read you. Ask me about \"keys\", or press F1 for what your fingers can do.",
	"Sealed with a key that was used for this message alone. Ask me about \"scripts\".",
	"Still here. Ask me about \"relay\" to host this for your team.",
}

// befriend lets the friend ask for contact, accept whoever asks, and answer,
// until ctx ends.
func befriend(ctx context.Context, ada client.Account) error {
	batch, err := ada.Events(ctx, 0)
	if err != nil {
		return err
	}
	if _, err := ada.Connect(ctx, You, request); err != nil {
		return err
	}
	position, spoken := batch.Next, 0
	return client.Await(ctx, ada, &position, func(events []client.Event) (bool, error) {
		for _, e := range events {
			switch {
			case e.Kind == client.ContactChanged && e.Contact.State == client.Incoming:
				if _, err := ada.Accept(ctx, e.Contact.Name); err != nil && !errors.Is(err, client.ErrNotFound) {
					return false, err
				}
			case e.Kind == client.MessageAdded && !e.Message.Outgoing():
				if err := think(ctx); err != nil {
					return false, err
				}
				text := answer(e.Message.Text, spoken)
				spoken++
				if _, err := ada.Send(ctx, e.Message.Contact, text); err != nil && !errors.Is(err, client.ErrNotContact) {
					return false, err
				}
			}
		}
		return false, greet(ctx, ada)
	})
}

// greet says hello to a contact with whom nothing has been said.
func greet(ctx context.Context, ada client.Account) error {
	contacts, err := ada.Contacts(ctx)
	if err != nil {
		return err
	}
	for _, c := range contacts {
		if c.State == client.Accepted && c.LastAt.IsZero() {
			if _, err := ada.Send(ctx, c.Name, greeting); err != nil {
				return err
			}
		}
	}
	return nil
}

func think(ctx context.Context) error {
	select {
	case <-time.After(thinking):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func answer(text string, spoken int) string {
	text = strings.ToLower(text)
	for _, t := range topics {
		if strings.Contains(text, t.word) {
			return t.answer
		}
	}
	return hints[spoken%len(hints)]
}
