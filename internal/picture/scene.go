package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/stage"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

const me = "alice"

// scene is who takes part, and the screen of one of them.
type scene struct {
	house  *stage.House
	people map[string]*owner.Account // but for the one whose screen it is
	screen *stage.Screen
}

// line is something that was said the day before.
type line struct {
	with string
	mine bool
	text string
}

var yesterday = []line{
	{"bob", false, "the build machine is back, and `zpool status` is clean"},
	{"bob", true, "you are a *hero*. What was it?"},
	{"bob", false, "the second of the mirror. Logs are at https://build.example/logs/2741"},
	{"ines", false, "日本のチームにも伝えてください 🙏"},
	{"ines", true, "done ✓"},
}

func (s *scene) play(ctx context.Context) error {
	s.people = map[string]*owner.Account{}
	for _, act := range []func(context.Context) error{s.gather, s.remember, s.open, s.talk} {
		if err := act(ctx); err != nil {
			return err
		}
	}
	return nil
}

// gather makes the accounts, contacts of all but one, and compares a safety
// number.
func (s *scene) gather(ctx context.Context) error {
	mine, err := s.house.Move(ctx, me, stage.Cheap)
	if err != nil {
		return err
	}
	defer mine.Close(0)
	if err := mine.Start(); err != nil {
		return err
	}
	for _, name := range []string{"bob", "ines", "mira", "the_deploy_bot"} {
		if err := s.join(ctx, name); err != nil {
			return err
		}
		if err := stage.Befriend(ctx, mine, s.people[name]); err != nil {
			return err
		}
	}
	for _, name := range []string{"bob", "mira"} {
		safety, err := mine.Safety(ctx, name)
		if err == nil {
			_, err = mine.Trust(ctx, name, client.MarkVerified, safety.Number)
		}
		if err != nil {
			return err
		}
	}
	if _, err := mine.MakeGroup(ctx, "backend", []string{"bob", "ines", "mira"}); err != nil {
		return err
	}
	if err := stage.AwaitSent(ctx, mine); err != nil {
		return err
	}
	if err := s.join(ctx, "dave"); err != nil {
		return err
	}
	if _, err := s.people["dave"].Connect(ctx, me, "dave, from the meetup on Tuesday"); err != nil {
		return err
	}
	return stage.AwaitContact(ctx, mine, "dave", client.Incoming)
}

func (s *scene) join(ctx context.Context, name string) error {
	a, err := s.house.Move(ctx, name, stage.Cheap)
	if err != nil {
		return err
	}
	s.people[name] = a
	return a.Start()
}

// remember writes the day before into the profile.
func (s *scene) remember(context.Context) error {
	ref, _, err := profile.Find(me, "")
	if err != nil {
		return err
	}
	return stage.Edit(ref, func(store *profile.Store) error {
		loaded, err := store.Load()
		if err != nil {
			return err
		}
		addresses := map[string]crypto.Address{}
		for _, c := range loaded.Contacts {
			addresses[c.Name] = c.Certificate.Address()
		}
		at := time.Now().Add(-26 * time.Hour)
		var ch client.Changes
		for _, l := range yesterday {
			at = at.Add(time.Minute)
			m := client.NewMessage{Author: addresses[l.with], Message: client.Message{
				ID: crypto.NewMessageID().String(), Contact: l.with, From: l.with, Type: client.TypeText,
				Text: l.text, SentAt: at, At: at, State: client.Received,
			}}
			if l.mine {
				m.Author, m.From, m.State = loaded.Keys.Certificate.Address(), me, client.Delivered
			}
			ch.Messages = append(ch.Messages, m)
		}
		return store.Commit(&ch)
	})
}

// open starts the client and unlocks its profile.
func (s *scene) open(ctx context.Context) (err error) {
	if s.screen, err = stage.Start(s.house.Chat("login", me), cols, rows); err != nil {
		return err
	}
	return s.steps(ctx, []step{
		{wait: "Passphrase of " + me, keys: stage.Passphrase + "\r"},
		{wait: "● connected", keys: "\x0bbob\r"},
		{wait: "write to bob"},
	})
}

// step is a state of the screen, and what its user types then.
type step struct{ wait, keys string }

func (s *scene) steps(ctx context.Context, steps []step) error {
	for _, st := range steps {
		if _, err := s.screen.Shows(ctx, strings.Split(st.wait, "\n")...); err != nil {
			return err
		}
		if _, err := s.screen.Type(st.keys); err != nil {
			return err
		}
	}
	return nil
}

// talk is today.
func (s *scene) talk(ctx context.Context) error {
	bob := s.people["bob"]
	if err := s.write(ctx, "mira", me, "lunch?", "12:30 at the usual place"); err != nil {
		return err
	}
	if err := s.write(ctx, "ines", client.GroupSign+"backend", "p99 is half of what it was"); err != nil {
		return err
	}
	if err := s.write(ctx, "the_deploy_bot", me, "v2.14.0 is out on all eight nodes"); err != nil {
		return err
	}
	err := s.steps(ctx, []step{
		{keys: "deploy at ten? I'd start the migration now:\x1b\r    ./migrate --from 41 --to 42 --dry-run\r"},
		{wait: "dry-run  \n✓✓"},
	})
	if err != nil {
		return err
	}
	asked, err := await(ctx, bob, "deploy at ten?")
	if err != nil {
		return err
	}
	if _, err := bob.React(ctx, asked.Cursor, "👍"); err != nil {
		return err
	}
	if _, err := bob.Reply(ctx, asked.Cursor, "yes. The dry run took four minutes here, so tell people ten past"); err != nil {
		return err
	}
	if err := s.give(ctx, bob, "dry-run.log", 48_213); err != nil {
		return err
	}
	err = s.steps(ctx, []step{
		{wait: "ten past\n👍\ndry-run.log", keys: "will do. Thank you!\r"},
		{wait: "Thank you!\n✓✓\nenter send"}, // what was said of dave has passed
	})
	if err != nil {
		return err
	}
	if err := bob.Typing(ctx, me); err != nil {
		return err
	}
	return s.steps(ctx, []step{{wait: "bob is writing", keys: "and then"}, {wait: "❯ and then"}})
}

// give lets a friend send a file of so many bytes.
func (s *scene) give(ctx context.Context, friend client.Account, name string, size int) (err error) {
	dir, err := os.MkdirTemp("", "chat-picture-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		return err
	}
	_, err = friend.SendFile(ctx, me, path, "")
	return err
}

// write lets a friend write, and waits until it is marked on the screen.
func (s *scene) write(ctx context.Context, name, to string, texts ...string) error {
	for _, text := range texts {
		if _, err := s.people[name].Send(ctx, to, text); err != nil {
			return err
		}
	}
	return stage.AwaitSent(ctx, s.people[name])
}

// await returns the latest message that begins like that, once it is there.
func await(ctx context.Context, a client.Account, begins string) (found client.Message, err error) {
	err = stage.Await(ctx, a, func() (bool, error) {
		all, err := a.History(ctx, client.Query{Incoming: true})
		for _, m := range all {
			if strings.HasPrefix(m.Text, begins) {
				found = m
			}
		}
		return found.Cursor != 0, err
	})
	return found, err
}

// close ends everybody.
func (s *scene) close() (err error) {
	if s.screen != nil {
		err = s.screen.Close()
	}
	for _, a := range s.people {
		err = errors.Join(err, a.Close(0))
	}
	return err
}
