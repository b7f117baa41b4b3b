package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"secure-messaging/internal/owner"
	"secure-messaging/pkg/client"
)

// scriptLimit bounds the whole of Script; it takes a second or two.
const scriptLimit = time.Minute

// Script plays the demo without a terminal and writes what happens. It fails
// where something does not happen as promised.
func Script(ctx context.Context, w io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, scriptLimit)
	defer cancel()
	p, err := newParty(ctx)
	if err != nil {
		return err
	}
	s := &script{party: p, w: w, dir: p.dir}
	defer func() {
		if err = errors.Join(err, p.close()); err == nil {
			err = s.tidy()
		}
	}()
	s.say("a relay at %s, known by its key %s", p.server.Address(), p.server.Pin)
	s.say("%s and %s make keys and register", You, Friend)
	for _, act := range []func(context.Context) error{s.meet, s.talk, s.away, s.search} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

type script struct {
	*party
	w    io.Writer
	dir  string
	said []string // all that was written between the two
}

func (s *script) say(format string, args ...any) { fmt.Fprintf(s.w, format+"\n", args...) }

// meet lets one ask and the other accept.
func (s *script) meet(ctx context.Context) error {
	for _, a := range []*owner.Account{s.you, s.friend} {
		if err := a.Start(); err != nil {
			return err
		}
	}
	const note = "we met at the demo"
	s.said = append(s.said, note)
	asked, err := s.you.Connect(ctx, Friend, note)
	if err != nil {
		return err
	}
	s.say("%s ask %s to be a contact; her fingerprint is %s", You, Friend, asked.Fingerprint)
	request, err := awaitContact(ctx, s.friend, You, client.Incoming)
	if err != nil {
		return err
	}
	s.say("%s sees the request, fingerprint %s, %q, and accepts", Friend, request.Fingerprint, request.Note)
	if _, err := s.friend.Accept(ctx, You); err != nil {
		return err
	}
	_, err = awaitContact(ctx, s.you, Friend, client.Accepted)
	return err
}

// talk goes once there and once back.
func (s *script) talk(ctx context.Context) error {
	if err := s.deliver(ctx, s.you, s.friend, "Hello Ada, does this arrive?"); err != nil {
		return err
	}
	return s.deliver(ctx, s.friend, s.you, "It does. The relay has seen nothing but sealed bytes.")
}

// deliver sends a text and waits until it is with the other and the author
// knows.
func (s *script) deliver(ctx context.Context, from, to *owner.Account, text string) error {
	s.said = append(s.said, text)
	m, err := from.Send(ctx, to.Ref.Name, text)
	if err != nil {
		return err
	}
	if _, err := awaitTexts(ctx, to, from.Ref.Name, text); err != nil {
		return err
	}
	if err := awaitState(ctx, from, m.ID, client.Delivered); err != nil {
		return err
	}
	s.say("%s to %s, delivered: %s", from.Ref.Name, to.Ref.Name, text)
	return nil
}

// away sends to somebody who is not there, and restarts the relay in between.
func (s *script) away(ctx context.Context) error {
	ref := s.friend.Ref
	err := s.friend.Close(0)
	if s.friend = nil; err != nil {
		return err
	}
	texts := []string{"You are away, Ada: one", "two, and now the relay is restarted", "three, after the restart"}
	var last client.Message
	for i, text := range texts {
		s.said = append(s.said, text)
		m, err := s.you.Send(ctx, Friend, text)
		if err != nil {
			return err
		}
		if err := awaitState(ctx, s.you, m.ID, client.Stored); err != nil {
			return err
		}
		if last = m; i == 1 {
			if err := errors.Join(s.stopRelay(), s.startRelay()); err != nil {
				return err
			}
		}
	}
	s.say("%s goes away; %s write three messages, and the relay is restarted in between", Friend, You)
	if s.friend, err = s.back(ctx, ref); err != nil {
		return err
	}
	if err := s.friend.Start(); err != nil {
		return err
	}
	got, err := awaitTexts(ctx, s.friend, You, texts...)
	if err != nil {
		return err
	}
	if err := awaitState(ctx, s.you, last.ID, client.Delivered); err != nil {
		return err
	}
	s.say("%s comes back and gets them, in order:", Friend)
	for _, m := range got {
		s.say("  %s", m.Text)
	}
	return nil
}

// search looks for what was said in everything that the disk holds.
func (s *script) search(context.Context) error {
	files, size := 0, 0
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files, size = files+1, size+len(b)
		for _, text := range s.said {
			if bytes.Contains(b, []byte(text)) {
				return fmt.Errorf("plaintext lies in %s", path)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.say("none of it is found in the %d files (%d KiB) of the relay and the two profiles", files, size>>10)
	return nil
}

// tidy says that nothing is left.
func (s *script) tidy() error {
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is still there", s.dir)
	}
	s.say("done; nothing is left behind")
	return nil
}

// awaitContact waits until a person stands to the account as wanted.
func awaitContact(ctx context.Context, a client.Account, name string, want client.ContactState) (found client.Contact, err error) {
	err = await(ctx, a, func() (bool, error) {
		contacts, err := a.Contacts(ctx)
		for _, c := range contacts {
			if c.Name == name && c.State == want {
				found = c
				return true, nil
			}
		}
		return false, err
	})
	return found, err
}

// awaitState waits until a message has come as far as wanted, or farther.
func awaitState(ctx context.Context, a client.Account, id string, want client.MessageState) error {
	return await(ctx, a, func() (bool, error) {
		m, err := a.Message(ctx, id)
		return m.State == want || m.State == client.Delivered, err
	})
}

// awaitTexts waits until exactly these texts are the latest from a contact.
func awaitTexts(ctx context.Context, a client.Account, from string, texts ...string) (got []client.Message, err error) {
	err = await(ctx, a, func() (bool, error) {
		got, err = a.History(ctx, client.Query{Contact: from, Incoming: true, Limit: len(texts)})
		if err != nil || len(got) < len(texts) {
			return false, err
		}
		for i, m := range got {
			if m.Text != texts[i] {
				return false, nil
			}
		}
		return true, nil
	})
	return got, err
}

func await(ctx context.Context, a client.Account, done func() (bool, error)) error {
	batch, err := a.Events(ctx, 0)
	if err != nil {
		return err
	}
	return client.Await(ctx, a, &batch.Next, func([]client.Event) (bool, error) { return done() })
}
