package client_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
	"secure-messaging/pkg/relay/ratelimit"
)

// testFile writes a file of so many bytes that are no pattern.
func testFile(t testing.TB, name string, size int) (path string, content []byte) {
	t.Helper()
	for i := uint64(0); len(content) < size; i++ {
		block := sha256.Sum256(fmt.Appendf(nil, "%s %d", name, i))
		content = append(content, block[:]...)
	}
	content = content[:size]
	path = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, content
}

func wantFile(t testing.TB, path string, content []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%s has %d bytes, %v; want %d", path, len(got), err, len(content))
	}
}

// wantEmpty wants nothing in a folder, not even a part.
func wantEmpty(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

// gone is a store of files that says what it deletes.
type gone struct {
	relay.Files
	ids chan crypto.FileID
}

func (g gone) DeleteFile(ctx context.Context, id crypto.FileID) error {
	err := g.Files.DeleteFile(ctx, id)
	if err == nil {
		g.ids <- id
	}
	return err
}

// pair is two people who are contacts, at a relay as change wants it.
func pair(t *testing.T, change func(*relay.Config)) (r *testRelay, alice, bob *side) {
	t.Helper()
	r, err := startRelay()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.stop)
	r.change = change
	if err := r.restart(); err != nil {
		t.Fatal(err)
	}
	alice, bob = newSide(t, r, "alice"), newSide(t, r, "bob")
	befriend(t.Context(), t, alice, bob, "alice", "bob")
	return r, alice, bob
}

// file waits for a file of the other.
func (s *side) file() client.Message {
	s.t.Helper()
	return *s.tells(client.MessageAdded, func(e client.Event) bool { return e.Message.Type == client.TypeFile && !e.Message.Outgoing() }).Message
}

// What texts can do, files can, and they arrive as they were.
func TestFileThroughARelay(t *testing.T) {
	ids := make(chan crypto.FileID, 10)
	_, alice, bob := pair(t, func(c *relay.Config) { c.Files = gone{c.Files, ids} })
	ctx := t.Context()
	path, content := testFile(t, "report.pdf", 200_000)
	sent := must(alice.SendFile(ctx, "bob", path, "as promisd"))
	if sent.Type != client.TypeFile || sent.State != client.Waiting || *sent.File != (client.File{Name: "report.pdf", Size: 200_000}) {
		t.Errorf("%+v, file %+v", sent, sent.File)
	}
	here := bob.file()
	if here.ID != sent.ID || here.Text != "as promisd" || *here.File != (client.File{Name: "report.pdf", Size: 200_000}) || !here.Unread {
		t.Errorf("%+v, file %+v", here, here.File)
	}
	alice.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == sent.ID && e.Message.State == client.Delivered })

	dir := t.TempDir()
	for _, name := range []string{"report.pdf", "report (2).pdf", "report (3).pdf"} {
		saved := must(bob.SaveFile(ctx, here.Cursor, dir))
		if saved != filepath.Join(dir, name) {
			t.Errorf("saved to %s", saved)
		}
		wantFile(t, saved, content)
		bob.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == sent.ID && e.Message.File.Saved == saved })
	}
	wantFile(t, must(alice.SaveFile(ctx, sent.Cursor, t.TempDir())), content)

	must(alice.Edit(ctx, sent.Cursor, "as promised"))
	bob.tells(client.MessageChanged, func(e client.Event) bool {
		return e.Message.ID == sent.ID && e.Message.Edited && e.Message.Text == "as promised" && e.Message.File.Size == 200_000
	})
	must(bob.React(ctx, here.Cursor, "👍"))
	alice.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == sent.ID && len(e.Message.Reactions) == 1 })
	yes := must(bob.Reply(ctx, here.Cursor, "thanks"))
	alice.tells(client.MessageAdded, func(e client.Event) bool { return e.Message.ID == yes.ID && e.Message.Reply.ID == sent.ID })

	must(alice.Delete(ctx, sent.Cursor))
	bob.tells(client.MessageChanged, func(e client.Event) bool {
		return e.Message.ID == sent.ID && e.Message.Deleted && e.Message.File == nil
	})
	<-ids // the relay has it no more
	if _, err := bob.SaveFile(ctx, here.Cursor, t.TempDir()); !errors.Is(err, client.ErrConflict) {
		t.Errorf("a deleted file is saved: %v", err)
	}
}

// Through restarts of the relay and of both programs each file arrives once.
func TestFilesThroughRestarts(t *testing.T) {
	r, err := startRelay()
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	ctx := t.Context()
	alice := must(newAccount(ctx, r.server, "alice"))
	bob := must(newAccount(ctx, r.server, "bob"))
	stopAlice, stopBob := running(alice), running(bob)
	befriend(ctx, t, alice, bob, "alice", "bob")
	const total = 12
	var contents [][]byte
	for n := range total {
		path, content := testFile(t, fmt.Sprint(n), 10_000+n*150_000)
		contents = append(contents, content)
		if _, err := alice.SendFile(ctx, "bob", path, ""); err != nil {
			t.Fatal(err)
		}
		os.Remove(path) // it is not needed any more
		if n%3 == 1 {
			if err := r.restart(); err != nil {
				t.Fatal(err)
			}
		}
		stopAlice()
		alice = client.Reopen(t, alice)
		stopAlice = running(alice)
		if n%4 == 2 {
			stopBob()
			bob = client.Reopen(t, bob)
			stopBob = running(bob)
		}
	}
	var position uint64
	err = client.Await(ctx, alice, &position, func([]client.Event) (bool, error) {
		ms, err := alice.History(ctx, client.Query{})
		return !slices.ContainsFunc(ms, func(m client.Message) bool { return m.State != client.Delivered }), err
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := must(alice.Status(ctx)); s.Waiting != 0 {
		t.Errorf("%+v", s)
	}
	ms := must(bob.History(ctx, client.Query{}))
	if len(ms) != total {
		t.Fatalf("bob has %d messages", len(ms))
	}
	dir := t.TempDir()
	for n, m := range ms {
		if m.File == nil || m.File.Name != fmt.Sprint(n) {
			t.Fatalf("message %d is %+v", n, m)
		}
		wantFile(t, must(bob.SaveFile(ctx, m.Cursor, dir)), contents[n])
	}
	stopAlice()
	stopBob()
}

// held is a store that takes a file only when it is let.
type held struct {
	relay.Files
	begun chan crypto.FileID
	let   chan struct{}
}

func (h held) CreateFile(ctx context.Context, f relay.File) (relay.FileWriter, error) {
	h.begun <- f.ID
	select {
	case <-h.let:
		return h.Files.CreateFile(ctx, f)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A file that is deleted while it is on its way never arrives; one that is edited
// arrives with the later words.
func TestFileOnItsWay(t *testing.T) {
	h := held{begun: make(chan crypto.FileID, 10), let: make(chan struct{})}
	_, alice, bob := pair(t, func(c *relay.Config) { h.Files = c.Files; c.Files = h })
	ctx := t.Context()
	path, content := testFile(t, "a", 100_000)
	first := must(alice.SendFile(ctx, "bob", path, "first"))
	second := must(alice.SendFile(ctx, "bob", path, "secnd"))
	<-h.begun
	if s := must(alice.Status(ctx)); s.Waiting != 2 {
		t.Errorf("%+v", s)
	}
	if _, err := alice.React(ctx, first.Cursor, "👍"); !errors.Is(err, client.ErrConflict) {
		t.Errorf("a reaction to what is not sent: %v", err)
	}
	if _, err := alice.SaveFile(ctx, first.Cursor, t.TempDir()); !errors.Is(err, client.ErrConflict) {
		t.Errorf("what is not sent is saved: %v", err)
	}
	if m := must(alice.Edit(ctx, second.Cursor, "second")); m.Text != "second" {
		t.Errorf("%+v", m)
	}
	if m := must(alice.Delete(ctx, first.Cursor)); !m.Deleted || m.State != client.Failed || m.File != nil {
		t.Errorf("%+v", m)
	}
	<-h.begun // of the second one
	close(h.let)
	here := bob.file()
	if here.ID != second.ID || here.Text != "second" || here.Edited {
		t.Errorf("bob has %+v", here)
	}
	wantFile(t, must(bob.SaveFile(ctx, here.Cursor, filepath.Join(t.TempDir(), "b"))), content)
	settled(ctx, t, alice)
	if ms := must(bob.History(ctx, client.Query{})); len(ms) != 1 {
		t.Errorf("bob has %d messages", len(ms))
	}
}

// A refusal for good is told as such, in a clause, and the next file goes.
func TestFileRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*relay.Config)
		why    string
	}{
		"too large": {func(c *relay.Config) { c.Limits = ratelimit.Default(); c.Limits.FileBytes = 50_000 }, "the relay takes no file that large"},
		"no files":  {func(c *relay.Config) { c.Files = nil }, "this relay does not take files; its operator can update it"},
	} {
		t.Run(name, func(t *testing.T) {
			_, alice, bob := pair(t, c.change)
			path, _ := testFile(t, "a", 60_000)
			sent := must(alice.SendFile(t.Context(), "bob", path, ""))
			failed := alice.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == sent.ID && e.Message.State == client.Failed })
			if failed.Message.Reason != c.why {
				t.Errorf("because %q", failed.Message.Reason)
			}
			settled(t.Context(), t, alice)
			must(alice.Send(t.Context(), "bob", "after"))
			bob.tells(client.MessageAdded, func(e client.Event) bool { return e.Message.Text == "after" })
			if ms := must(bob.History(t.Context(), client.Query{})); len(ms) != 1 {
				t.Errorf("bob has %d messages", len(ms))
			}
		})
	}
}

// What cannot be sent is refused with a sentence, and nothing is kept of it.
func TestUnsendable(t *testing.T) {
	_, alice, _ := pair(t, nil)
	path, _ := testFile(t, "a", 10)
	large := filepath.Join(t.TempDir(), "large")
	if err := errors.Join(os.WriteFile(large, nil, 0o600), os.Truncate(large, client.MaxFile+1)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		to, path, text string
		want           error
	}{
		"nobody":         {"carol", path, "", client.ErrNotContact},
		"a folder":       {"bob", filepath.Dir(path), "", client.ErrUsage},
		"no file":        {"bob", path + "x", "", client.ErrUsage},
		"relative":       {"bob", "a", "", client.ErrUsage},
		"too large":      {"bob", large, "", client.ErrUsage},
		"a device":       {"bob", os.DevNull, "", client.ErrUsage},
		"too many words": {"bob", path, strings.Repeat("x", client.MaxText+1), client.ErrUsage},
		"no UTF-8":       {"bob", path, "\xff", client.ErrUsage},
	} {
		if m, err := alice.SendFile(t.Context(), c.to, c.path, c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	if ms := must(alice.History(t.Context(), client.Query{})); len(ms) != 0 {
		t.Errorf("%d messages", len(ms))
	}
}

// counted counts the files that a relay is given.
type counted struct {
	relay.Files
	n *atomic.Int64
}

func (c counted) CreateFile(ctx context.Context, f relay.File) (relay.FileWriter, error) {
	c.n.Add(1)
	return c.Files.CreateFile(ctx, f)
}

// One upload serves all members of a group.
func TestFileToAGroup(t *testing.T) {
	var stored atomic.Int64
	r, alice, bob := pair(t, func(c *relay.Config) { c.Files = counted{c.Files, &stored} })
	ctx := t.Context()
	carol := newSide(t, r, "carol")
	befriend(ctx, t, alice, carol, "alice", "carol")
	g := must(alice.MakeGroup(ctx, "ops", []string{"bob", "carol"}))
	for _, s := range []*side{bob, carol} {
		s.tells(client.GroupChanged, func(e client.Event) bool { return e.Group.ID == g.ID && e.Group.State == client.Joined })
	}
	path, content := testFile(t, "plan.txt", 70_000)
	sent := must(alice.SendFile(ctx, g.Name, path, "for all"))
	for _, s := range []*side{bob, carol} {
		here := s.file()
		if here.Contact != g.Name || here.From != "alice" || here.ID != sent.ID || here.Text != "for all" {
			t.Errorf("%s has %+v", s.name, here)
		}
		wantFile(t, must(s.SaveFile(ctx, here.Cursor, t.TempDir())), content)
	}
	alice.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == sent.ID && e.Message.State == client.Delivered })
	must(alice.Delete(ctx, sent.Cursor))
	for _, s := range []*side{bob, carol} {
		s.tells(client.MessageChanged, func(e client.Event) bool { return e.Message.ID == sent.ID && e.Message.Deleted })
	}
	if n := stored.Load(); n != 1 {
		t.Errorf("the relay was given %d files", n)
	}
}
