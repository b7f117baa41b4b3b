package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"secure-messaging/internal/agent"
	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/stage"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

// world is alice, who sends from the shell, and bob, who is here.
type world struct {
	house *stage.House
	alice profile.Ref
	bob   *owner.Account
	pass  string // file with alice's passphrase
	heard int64  // cursor of the last message of bob's that was looked at
}

func newWorld(ctx context.Context, house *stage.House) (*world, error) {
	w := &world{house: house, pass: filepath.Join(house.Dir, "pass"), heard: client.FromStart}
	if err := os.WriteFile(w.pass, []byte(stage.Passphrase+"\n"), 0o600); err != nil {
		return nil, err
	}
	alice, err := house.Move(ctx, "alice", keyfile.DefaultCost)
	if err != nil {
		return nil, err
	}
	w.alice = alice.Ref
	if w.bob, err = house.Move(ctx, "bob", stage.Cheap); err == nil {
		err = errors.Join(alice.Start(), w.bob.Start())
	}
	if err == nil {
		err = stage.Befriend(ctx, alice, w.bob)
	}
	return w, errors.Join(err, alice.Close(0))
}

// send runs one command to its end, and says how long that took.
func (w *world) send(text string) (time.Duration, error) {
	cmd := w.house.Chat("send", "bob", text, "--as", "alice", "--passphrase-file", w.pass)
	var said bytes.Buffer
	cmd.Stderr = &said
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		err = fmt.Errorf("chat send: %w: %s", err, said.String())
	}
	return took, err
}

// attached measures while an agent holds the profile.
func (w *world) attached(ctx context.Context, c config) (row []time.Duration, once time.Duration, err error) {
	keeper := w.house.Chat("agent", "run", "--as", "alice", "--passphrase-file", w.pass)
	keeper.Stderr = os.Stderr
	if err := keeper.Start(); err != nil {
		return nil, 0, err
	}
	defer func() {
		err = errors.Join(err, keeper.Process.Signal(os.Interrupt), keeper.Wait())
	}()
	if err := w.up(ctx); err != nil {
		return nil, 0, err
	}
	var texts []string
	for i := range c.row {
		texts = append(texts, fmt.Sprintf("in a row, %d", i))
		took, err := w.send(texts[i])
		if err != nil {
			return nil, 0, err
		}
		row = append(row, took)
	}
	if err := w.arrived(ctx, texts, true); err != nil {
		return nil, 0, err
	}
	texts = nil
	errs := make([]error, c.once)
	began := time.Now()
	var all sync.WaitGroup
	for i := range c.once {
		texts = append(texts, fmt.Sprintf("at once, %d", i))
		all.Go(func() { _, errs[i] = w.send(texts[i]) })
	}
	all.Wait()
	once = time.Since(began)
	return row, once, errors.Join(errors.Join(errs...), w.arrived(ctx, texts, false))
}

// up waits until the agent answers and is connected.
func (w *world) up(ctx context.Context) error {
	path, err := profile.SocketPath(w.alice)
	if err != nil {
		return err
	}
	for {
		r, err := agent.Dial(ctx, path)
		if err == nil {
			return errors.Join(stage.AwaitSent(ctx, r), r.Close())
		}
		if !agent.Absent(err) || ctx.Err() != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond) // the agent is at the passphrase
	}
}

// arrived waits until bob has these texts, each once, and nothing else that is new.
func (w *world) arrived(ctx context.Context, texts []string, inOrder bool) error {
	var got []client.Message
	err := stage.Await(ctx, w.bob, func() (bool, error) {
		for {
			page, err := w.bob.History(ctx, client.Query{After: w.heard, Incoming: true, Limit: client.MaxLimit})
			if err != nil || len(page) == 0 {
				return len(got) >= len(texts), err
			}
			got = append(got, page...)
			w.heard = page[len(page)-1].Cursor
		}
	})
	if err != nil {
		return err
	}
	missing := map[string]bool{}
	for _, text := range texts {
		missing[text] = true
	}
	for i, m := range got {
		if !missing[m.Text] || inOrder && m.Text != texts[i] {
			return fmt.Errorf("in place %d of what has arrived stands %q", i, m.Text)
		}
		delete(missing, m.Text)
	}
	return nil
}

// alone measures while nobody holds the profile, and what argon2id costs, in turn.
func (w *world) alone(ctx context.Context, c config) (alone, argon []time.Duration, err error) {
	var texts []string
	for i := range c.alone {
		texts = append(texts, fmt.Sprintf("alone, %d", i))
		took, err := w.send(texts[i])
		if err != nil {
			return nil, nil, err
		}
		alone = append(alone, took)
		if took, err = stage.Stretch(ctx); err != nil {
			return nil, nil, err
		}
		argon = append(argon, took)
	}
	return alone, argon, w.arrived(ctx, texts, true)
}
