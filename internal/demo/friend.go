package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
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

// fileTopic is the one about which the friend has something to give.
const fileTopic = "file"

// gift is the file that the friend sends.
const gift = "A file goes to the relay sealed, under a key that only its recipients have.\n"

// topics are what the friend can tell about. The first whose word stands in a
// message is the answer.
var topics = []struct{ word, answer string }{
	{"help", "Ask me about: messages, files, groups, search, keys, states, scripts, newline, offline, relay, quit. Press F1 for all keys of this screen."},
	{"search", "ctrl+f searches all that we have said, as you type; enter goes there. ctrl+p finds everything that this screen can do."},
	{fileTopic, "Here is one. alt+m picks it, s saves it. /file PATH sends one of yours; tab completes the path."},
	{"group", "/group make team ada makes one of us two. What is written there is sealed for each member; the relay sees no group. I answer there, too."},
	{"message", "alt+m picks a message: r answers it, as I do here, e puts an emoji beside it, as I do to yours, y copies. Yours you can edit (up, where nothing is written) and delete. /disappear 1d lets what we say go again."},
	{"key", "Each of us made keys on our own machine. Compare my fingerprint with what I tell you by another way; from then on a changed key is refused."},
	{"state", "◌ waits on your disk, ✓ is on the relay's disk, ✓✓ is on mine. Nothing is forgotten before the next one has it. With /receipts on, you see what I have read."},
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
// until ctx ends. What it sends lies in dir.
func befriend(ctx context.Context, ada client.Account, dir string) error {
	batch, err := ada.Events(ctx, 0)
	if err != nil {
		return err
	}
	if err := ada.SetSettings(ctx, client.Settings{Receipts: true, Typing: true, Presence: true}); err != nil {
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
			case e.Kind == client.MessageAdded && !e.Message.Outgoing() && e.Message.Type == client.TypeText:
				var refused *client.Error // as when what is answered was deleted meanwhile
				if err := respond(ctx, ada, *e.Message, spoken, dir); err != nil && !errors.As(err, &refused) {
					return false, err
				}
				spoken++
			}
		}
		return false, greet(ctx, ada)
	})
}

// respond reads a message, types for a while, and answers.
func respond(ctx context.Context, ada client.Account, m client.Message, spoken int, dir string) error {
	if err := errors.Join(ada.MarkRead(ctx, m.Contact, m.Cursor), ada.Typing(ctx, m.Contact)); err != nil {
		return err
	}
	if err := think(ctx); err != nil {
		return err
	}
	text, about := answer(m.Text, spoken)
	if !about {
		_, err := ada.Send(ctx, m.Contact, text)
		return err
	}
	if _, err := ada.React(ctx, m.Cursor, "👍"); err != nil {
		return err
	}
	if _, err := ada.Reply(ctx, m.Cursor, text); err != nil || !strings.Contains(strings.ToLower(m.Text), fileTopic) {
		return err
	}
	path := filepath.Join(dir, "hello.txt")
	if err := os.WriteFile(path, []byte(gift), 0o600); err != nil {
		return err
	}
	_, err := ada.SendFile(ctx, m.Contact, path, "")
	return err
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

// answer is what there is to say to a text, and whether it is about it.
func answer(text string, spoken int) (_ string, about bool) {
	text = strings.ToLower(text)
	for _, t := range topics {
		if strings.Contains(text, t.word) {
			return t.answer, true
		}
	}
	return hints[spoken%len(hints)], false
}
