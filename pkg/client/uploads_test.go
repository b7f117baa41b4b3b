package client

import (
	"errors"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
)

// sendsFile enters a file as SendFile does, behind its copy.
func (p *person) sendsFile(to, text string) (Message, Upload) {
	p.w.t.Helper()
	sealed := SealedFile{Blob: crypto.NewFileID(), Key: file.NewKey(), Digest: [32]byte{1}}
	st := p.must(func(s *session) (*step, error) {
		return s.sendFile(to, text, File{Name: "a", Size: 5}, sealed, p.w.now)
	})
	return st.Messages[0].Message, st.Uploads[0]
}

func (p *person) hasUploaded(u Upload) *step {
	p.w.t.Helper()
	return p.must(func(s *session) (*step, error) { return s.uploaded(u, nil, p.w.now) })
}

// forgotten reports whether the relay is to forget a file, and nothing else.
func (p *person) forgotten(u Upload) bool {
	p.restart()
	return len(p.uploads) == 1 && p.uploads[0] == Upload{Blob: u.Blob}
}

// Whatever fails or is killed between two steps, a file is told of once.
func TestUploadOnce(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	sent, u := alice.sendsFile("bob", "words")
	if alice.waiting != 1 || len(alice.outbox) != 0 {
		t.Fatalf("%d wait, %d in the outbox", alice.waiting, len(alice.outbox))
	}
	alice.restart()
	if alice.waiting != 1 || len(alice.uploads) != 1 {
		t.Fatalf("after a restart %d wait, %v", alice.waiting, alice.uploads)
	}
	full := errors.New("the disk is full")
	alice.store.onCommit = func(*Changes) error { return full }
	if _, err := alice.do(func(s *session) (*step, error) { return s.uploaded(u, nil, w.now) }); err != full {
		t.Fatalf("got %v", err)
	}
	if alice.waiting != 1 || len(alice.uploads) != 1 || len(alice.outbox) != 0 {
		t.Fatalf("a step counts that was not written: %d wait, %v, %d in the outbox", alice.waiting, alice.uploads, len(alice.outbox))
	}
	alice.store.onCommit = nil
	w.settle()
	if len(bob.texts(alice)) != 0 {
		t.Fatal("bob hears of a file that the relay does not have")
	}
	alice.hasUploaded(u)
	if alice.waiting != 1 || len(alice.uploads) != 0 || len(alice.outbox) != 1 {
		t.Fatalf("%d wait, %v, %d in the outbox", alice.waiting, alice.uploads, len(alice.outbox))
	}
	alice.restart()
	alice.hasUploaded(u) // the answer came twice
	w.settle()
	w.settle()
	ms, err := bob.store.History(Query{Limit: 10})
	if err != nil || len(ms) != 1 || ms[0].ID != sent.ID || ms[0].Type != TypeFile || ms[0].Text != "words" || *ms[0].File != (File{Name: "a", Size: 5}) {
		t.Fatalf("bob has %+v, %v", ms, err)
	}
	if m, err := alice.store.Written(alice.cert().Address(), u.Message); err != nil || m.State != Delivered {
		t.Errorf("alice has %+v, %v", m, err)
	}
}

// What becomes impossible while a file is on its way ends it, with a reason, and
// the relay is to forget it.
func TestUploadEnds(t *testing.T) {
	for name, c := range map[string]struct {
		end    func(w *world, alice, bob *person, m Message)
		reason string // empty: the message is gone
	}{
		"blocked": {func(w *world, alice, bob *person, m Message) {
			alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
		}, "you blocked bob"},
		"deleted": {func(w *world, alice, bob *person, m Message) {
			alice.must(func(s *session) (*step, error) { return s.remove(m.Cursor, w.now) })
		}, "it was deleted before it was sent"},
		"refused": {func(w *world, alice, bob *person, m Message) {
			u := alice.uploads[0]
			alice.must(func(s *session) (*step, error) { return s.notUploaded(u, "because"), nil })
		}, "because"},
		"another key": {func(w *world, alice, bob *person, m Message) {
			r := alice.contacts["bob"]
			r.Trust = Changed
			alice.must(func(*session) (*step, error) {
				st := &step{}
				st.Contacts = []ContactRecord{r}
				return st, nil
			})
			alice.hasUploaded(alice.uploads[0])
		}, "another key was shown for bob; look at it, then send the file again"},
		"no session": {func(w *world, alice, bob *person, m Message) {
			alice.loses("bob")
			alice.hasUploaded(alice.uploads[0])
		}, "there is no session with bob that can be used; ask again: chat connect bob, then send it again"},
		"disappeared": {func(w *world, alice, bob *person, m Message) {
			if _, _, err := alice.store.Vanish(w.now.Add(time.Hour), 10); err != nil {
				w.t.Fatal(err)
			}
			alice.hasUploaded(alice.uploads[0])
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "alice", "bob")
			alice, bob := w.pair("alice", "bob")
			w.befriend(alice, bob)
			alice.must(func(s *session) (*step, error) { return s.disappear("bob", time.Minute, w.now) })
			w.settle()
			m, u := alice.sendsFile("bob", "words")
			before := len(bob.texts(alice))
			c.end(w, alice, bob, m)
			if !alice.forgotten(u) || alice.uploads[0].Contact != "" {
				t.Errorf("left are %v", alice.uploads)
			}
			alice.hasUploaded(alice.uploads[0])
			if alice.restart(); len(alice.uploads) != 0 {
				t.Errorf("it is forgotten again: %v", alice.uploads)
			}
			w.settle()
			if n := len(bob.texts(alice)); n != before {
				t.Errorf("bob has %d messages more", n-before)
			}
			got, err := alice.store.Written(alice.cert().Address(), u.Message)
			if c.reason == "" {
				if !errors.Is(err, ErrNotFound) {
					t.Errorf("%+v, %v", got, err)
				}
				return
			}
			if err != nil || got.State != Failed || got.Reason != c.reason {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// loses leaves a contact without a session, as a restoration does.
func (p *person) loses(name crypto.Username) {
	p.w.t.Helper()
	c := p.contacts[name]
	c.Session = nil
	p.must(func(*session) (*step, error) {
		st := &step{}
		st.Contacts = []ContactRecord{c}
		return st, nil
	})
}

// A file for a group of which nobody can be told ends as one for a contact does;
// while anybody can be told, it goes to them.
func TestUploadToAGroupWithoutSessions(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice := w.person("alice")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	m, u := alice.sendsFile(ops, "")
	_, last := alice.sendsFile(ops, "")
	alice.loses("bob")
	alice.hasUploaded(u)
	if got := alice.find(m); got.State != Waiting || len(alice.outbox) != 1 {
		t.Errorf("%+v, %d in the outbox", got, len(alice.outbox))
	}
	alice.loses("carol")
	alice.hasUploaded(last)
	want := "there is no session with anybody in " + ops + " that can be used; ask again: chat connect NAME, then send it again"
	if got := alice.store.find(alice.cert().Address(), last.Message); got.State != Failed || got.Reason != want {
		t.Errorf("%+v", got)
	}
	if !alice.forgotten(last) {
		t.Errorf("left are %v", alice.uploads)
	}
}

// What cannot be told of is refused before it is read, as a text is.
func TestNoUploadWithoutSession(t *testing.T) {
	w := circle(t, "alice", "bob", "carol")
	alice := w.person("alice")
	ops := alice.makes("ops", "bob", "carol")
	w.settle()
	may := func(to string) bool {
		t.Helper()
		_, err := alice.mayUpload(to)
		_, asText := alice.session.send(to, "a text", about{}, w.now)
		if (err == nil) != (asText == nil) || err != nil && (!hasCode(err, CodeInternal) || !strings.Contains(err.Error(), "chat connect")) {
			t.Errorf("to %s: %v, a text %v", to, err, asText)
		}
		return err == nil
	}
	if !may("bob") || !may(ops) {
		t.Error("refused with sessions")
	}
	alice.loses("bob")
	if may("bob") || !may(ops) || !may("carol") {
		t.Error("without a session with bob alone")
	}
	alice.loses("carol")
	if may(ops) {
		t.Error("without any session")
	}
}

// A message that is deleted while the relay's word on its file is on the way: the
// relay is still to forget it, whatever that word is.
func TestDeletedBeforeUploaded(t *testing.T) {
	for name, refused := range map[string]*fileRefusal{"done": nil, "refused": {why: "because"}} {
		w := newWorld(t, "alice", "bob")
		alice, bob := w.pair("alice", "bob")
		w.befriend(alice, bob)
		m, u := alice.sendsFile("bob", "words")
		alice.deletes(m.Cursor)
		if st := alice.must(func(s *session) (*step, error) { return s.uploaded(u, refused, w.now) }); !st.empty() {
			t.Errorf("%s: %+v", name, st.Changes)
		}
		if !alice.forgotten(u) {
			t.Errorf("%s: left are %v", name, alice.uploads)
		}
	}
}

// A batch may hold a file and its end.
func TestUploadsOfABatch(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	sealed := SealedFile{Blob: crypto.NewFileID(), Key: file.NewKey(), Digest: [32]byte{1}}
	_, err := alice.all(
		func(s *session, now time.Time) (*step, error) {
			return s.sendFile("bob", "", File{Name: "a"}, sealed, now)
		},
		func(s *session, now time.Time) (*step, error) { return s.block("bob", now) },
	)
	if err != nil {
		t.Fatal(err)
	}
	if !alice.forgotten(Upload{Blob: sealed.Blob}) || alice.waiting != 1 { // the block
		t.Errorf("left are %v, %d wait", alice.uploads, alice.waiting)
	}
}
