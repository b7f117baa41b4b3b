package client

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// talk returns what p has of the conversation with o, each message as a line
// that is the same on both sides when they agree.
func (p *person) talk(o *person) (lines []string) {
	p.w.t.Helper()
	ms, err := p.store.History(Query{Contact: o.name, Limit: 1 << 20})
	if err != nil {
		p.w.t.Fatal(err)
	}
	for _, m := range ms {
		line := fmt.Sprintf("%s %s %q", m.From, m.Type, m.Text)
		if m.Reply != nil {
			line += fmt.Sprintf(" to %s %q", m.Reply.From, m.Reply.Text)
		}
		if m.Edited {
			line += " edited"
		}
		if m.Deleted {
			line += " deleted"
		}
		slices.SortFunc(m.Reactions, func(a, b Reaction) int { return strings.Compare(a.From, b.From) })
		for _, r := range m.Reactions {
			line += " " + r.From + ":" + r.Emoji
		}
		if m.Disappear != 0 {
			line += fmt.Sprintf(" for %d s", m.Disappear)
		}
		lines = append(lines, line)
	}
	return lines
}

// its is where p has a message of somebody.
func (p *person) its(m Message) int64 {
	p.w.t.Helper()
	for _, have := range p.store.messages {
		if have.From == m.From && have.ID == m.ID {
			return have.Cursor
		}
	}
	p.w.t.Fatalf("%s does not have %q", p.name, m.Text)
	return 0
}

func (p *person) replies(cursor int64, text string) Message {
	p.w.t.Helper()
	return p.must(func(s *session) (*step, error) { return s.reply(cursor, text, p.w.now) }).Messages[0].Message
}

func (p *person) edits(cursor int64, text string) *step {
	p.w.t.Helper()
	return p.must(func(s *session) (*step, error) { return s.edit(cursor, text, p.w.now) })
}

func (p *person) deletes(cursor int64) *step {
	p.w.t.Helper()
	return p.must(func(s *session) (*step, error) { return s.remove(cursor, p.w.now) })
}

func (p *person) reacts(cursor int64, emoji string) *step {
	p.w.t.Helper()
	return p.must(func(s *session) (*step, error) { return s.react(cursor, emoji, p.w.now) })
}

func (p *person) times(o *person, after time.Duration) *step {
	p.w.t.Helper()
	return p.must(func(s *session) (*step, error) { return s.disappear(o.name, after, p.w.now) })
}

func TestAbout(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	agree := func(want ...string) {
		t.Helper()
		w.settle()
		for p, o := range map[*person]*person{alice: bob, bob: alice} {
			if diff := cmp.Diff(want, p.talk(o)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", p.name, diff)
			}
			if len(p.outbox) != 0 || len(p.store.outbox) != 0 || p.waiting != 0 || len(p.warnings) != 0 {
				t.Errorf("%s: outbox %v, warnings %q", p.name, p.outbox, p.warnings)
			}
		}
	}
	ten := alice.says(bob, "deploy at tin?")
	alice.edits(ten.Cursor, "deploy at ten?") // while it has not left
	if alice.waiting != 2 {
		t.Errorf("%d waiting", alice.waiting)
	}
	agree(`alice text "deploy at ten?" edited`)
	yes := bob.replies(bob.its(ten), "yes")
	bob.reacts(bob.its(ten), "👍")
	bob.reacts(bob.its(ten), "👍🏽")
	alice.reacts(ten.Cursor, "🎉") // her own
	agree(`alice text "deploy at ten?" edited alice:🎉 bob:👍🏽`, `bob text "yes" to alice "deploy at ten?"`)
	alice.edits(ten.Cursor, "deploy at eleven?")
	bob.reacts(bob.its(ten), "")
	self := bob.replies(yes.Cursor, "or no")
	agree(`alice text "deploy at eleven?" edited alice:🎉`, `bob text "yes" to alice "deploy at eleven?"`, `bob text "or no" to bob "yes"`)
	alice.deletes(ten.Cursor)
	agree(`alice text "" deleted`, `bob text "yes" to alice ""`, `bob text "or no" to bob "yes"`)
	bob.times(alice, time.Minute)
	agree(`alice text "" deleted`, `bob text "yes" to alice ""`, `bob text "or no" to bob "yes"`, `bob timer "60"`)
	alice.says(bob, "not for long")
	agree(`alice text "" deleted`, `bob text "yes" to alice ""`, `bob text "or no" to bob "yes"`, `bob timer "60"`, `alice text "not for long" for 60 s`)
	for range 2 {
		if a, b := alice.contacts["bob"].Disappear, bob.contacts["alice"].Disappear; a != 60 || b != 60 {
			t.Errorf("timers %d and %d", a, b)
		}
		alice.restart()
		bob.restart()
	}

	// What is here alone: a message of the other's.
	if st := alice.deletes(alice.its(self)); len(st.Enqueue) != 0 {
		t.Error("they are told")
	}
	w.settle()
	if got := alice.talk(bob)[2]; got != `bob text "" to bob "yes" deleted` {
		t.Error(got)
	}
	if got := bob.talk(alice)[2]; got != `bob text "or no" to bob "yes"` {
		t.Error(got)
	}
	bob.edits(self.Cursor, "again") // it stays away
	w.settle()
	if got := alice.talk(bob)[2]; got != `bob text "" to bob "yes" deleted` {
		t.Error(got)
	}
}

// The same again is nothing new, and tells nobody.
func TestNothingNew(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	m := alice.says(bob, "hi")
	alice.reacts(m.Cursor, "x")
	for name, st := range map[string]*step{
		"edit": alice.edits(m.Cursor, "hi"), "react": alice.reacts(m.Cursor, "x"), "none": bob.deletesNothing(alice),
	} {
		if !st.empty() {
			t.Errorf("%s: %+v", name, st.Changes)
		}
	}
	alice.deletes(m.Cursor)
	if st := alice.deletes(m.Cursor); !st.empty() {
		t.Errorf("delete: %+v", st.Changes)
	}
}

// deletesNothing takes back a reaction that p has never made.
func (p *person) deletesNothing(o *person) *step {
	p.w.settle()
	return p.reacts(p.its(o.store.messages[0].Message), "")
}

func TestAboutRefusals(t *testing.T) {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	carol := w.people["carol"]
	w.befriend(alice, bob)
	w.befriend(alice, carol)
	own, gone, gap := alice.says(bob, "mine"), alice.says(bob, "deleted"), alice.says(bob, "x")
	alice.find(gap).Type = TypeMissing
	alice.times(bob, time.Minute)
	timer := alice.store.messages[3]
	theirs, toCarol, failed := bob.says(alice, "theirs"), alice.says(carol, "hi carol"), alice.says(bob, "failed")
	w.settle()
	alice.deletes(gone.Cursor)
	alice.must(func(s *session) (*step, error) { return s.block("carol", w.now) })
	alice.find(failed).State = Failed
	for name, tt := range map[string]struct {
		f    func(s *session) (*step, error)
		want error
	}{
		"nowhere":                  {func(s *session) (*step, error) { return s.reply(999, "x", w.now) }, ErrNotFound},
		"zero":                     {func(s *session) (*step, error) { return s.edit(0, "x", w.now) }, ErrNotFound},
		"reply: empty":             {func(s *session) (*step, error) { return s.reply(own.Cursor, "", w.now) }, ErrUsage},
		"reply: to a timer":        {func(s *session) (*step, error) { return s.reply(timer.Cursor, "x", w.now) }, ErrUsage},
		"reply: to a gap":          {func(s *session) (*step, error) { return s.reply(gap.Cursor, "x", w.now) }, ErrUsage},
		"reply: deleted":           {func(s *session) (*step, error) { return s.reply(gone.Cursor, "x", w.now) }, ErrConflict},
		"reply: blocked":           {func(s *session) (*step, error) { return s.reply(toCarol.Cursor, "x", w.now) }, ErrNotContact},
		"edit: theirs":             {func(s *session) (*step, error) { return s.edit(alice.its(theirs), "x", w.now) }, ErrUsage},
		"edit: empty":              {func(s *session) (*step, error) { return s.edit(own.Cursor, "", w.now) }, ErrUsage},
		"edit: long":               {func(s *session) (*step, error) { return s.edit(own.Cursor, strings.Repeat("a", MaxText+1), w.now) }, ErrUsage},
		"edit: not UTF-8":          {func(s *session) (*step, error) { return s.edit(own.Cursor, "\xff", w.now) }, ErrUsage},
		"edit: deleted":            {func(s *session) (*step, error) { return s.edit(gone.Cursor, "x", w.now) }, ErrConflict},
		"edit: a timer":            {func(s *session) (*step, error) { return s.edit(timer.Cursor, "x", w.now) }, ErrUsage},
		"edit: failed":             {func(s *session) (*step, error) { return s.edit(failed.Cursor, "x", w.now) }, ErrConflict},
		"edit: blocked":            {func(s *session) (*step, error) { return s.edit(toCarol.Cursor, "x", w.now) }, ErrNotContact},
		"delete: blocked":          {func(s *session) (*step, error) { return s.remove(toCarol.Cursor, w.now) }, ErrNotContact},
		"delete: a timer":          {func(s *session) (*step, error) { return s.remove(timer.Cursor, w.now) }, ErrUsage},
		"react: long":              {func(s *session) (*step, error) { return s.react(own.Cursor, strings.Repeat("a", MaxReaction+1), w.now) }, ErrUsage},
		"react: control":           {func(s *session) (*step, error) { return s.react(own.Cursor, "\x1b", w.now) }, ErrUsage},
		"react: C1":                {func(s *session) (*step, error) { return s.react(own.Cursor, "\u009b", w.now) }, ErrUsage},
		"react: not UTF-8":         {func(s *session) (*step, error) { return s.react(own.Cursor, "\xff", w.now) }, ErrUsage},
		"react: deleted":           {func(s *session) (*step, error) { return s.react(gone.Cursor, "x", w.now) }, ErrConflict},
		"react: blocked":           {func(s *session) (*step, error) { return s.react(toCarol.Cursor, "x", w.now) }, ErrNotContact},
		"disappear: too long":      {func(s *session) (*step, error) { return s.disappear("bob", MaxDisappear+time.Second, w.now) }, ErrUsage},
		"disappear: below zero":    {func(s *session) (*step, error) { return s.disappear("bob", -time.Second, w.now) }, ErrUsage},
		"disappear: half a second": {func(s *session) (*step, error) { return s.disappear("bob", time.Second/2, w.now) }, ErrUsage},
		"disappear: blocked":       {func(s *session) (*step, error) { return s.disappear("carol", time.Second, w.now) }, ErrNotContact},
		"disappear: a stranger":    {func(s *session) (*step, error) { return s.disappear("zoe", time.Second, w.now) }, ErrNotContact},
	} {
		before := snapshot(alice)
		if _, err := alice.do(tt.f); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(before, snapshot(alice)); diff != "" {
			t.Errorf("%s changed (-before +after):\n%s", name, diff)
		}
	}
	// What never reached them needs no word of theirs.
	alice.must(func(s *session) (*step, error) { return s.block("bob", w.now) })
	if st := alice.deletes(failed.Cursor); len(st.Enqueue) != 0 || len(st.Rewrites) != 1 {
		t.Errorf("%+v", st.Changes)
	}
}

func (p *person) find(m Message) *NewMessage {
	return p.store.find(p.cert().Address(), parseID(p.w.t, m.ID))
}

// With a key on offer, or an outbox that is full, nothing new is sealed.
func TestAboutNeedsRoomAndTrust(t *testing.T) {
	for name, tt := range map[string]struct {
		spoil func(*person)
		want  error
	}{
		"another key": {func(p *person) {
			c := p.contacts["bob"]
			c.Trust = Changed
			p.contacts["bob"] = c
		}, ErrPeerChanged},
		"a full outbox": {func(p *person) {
			for len(p.outbox) < MaxOutbox {
				p.keep(OutboxItem{ID: crypto.NewMessageID(), Kind: kindMessage, Contact: "bob"})
			}
		}, ErrRateLimit},
	} {
		w := newWorld(t, "alice", "bob")
		alice, bob := w.pair("alice", "bob")
		w.befriend(alice, bob)
		m := alice.says(bob, "hi")
		tt.spoil(alice)
		for what, f := range map[string]func(*session) (*step, error){
			"reply":     func(s *session) (*step, error) { return s.reply(m.Cursor, "x", w.now) },
			"edit":      func(s *session) (*step, error) { return s.edit(m.Cursor, "x", w.now) },
			"delete":    func(s *session) (*step, error) { return s.remove(m.Cursor, w.now) },
			"react":     func(s *session) (*step, error) { return s.react(m.Cursor, "x", w.now) },
			"disappear": func(s *session) (*step, error) { return s.disappear("bob", time.Second, w.now) },
		} {
			if _, err := alice.do(f); !errors.Is(err, tt.want) {
				t.Errorf("%s with %s: %v", what, name, err)
			}
		}
		alice.settings.Receipts = true
		if st := alice.must(func(s *session) (*step, error) { return s.tellRead("bob", crypto.NewMessageID(), w.now) }); !st.empty() {
			t.Errorf("a receipt with %s: %+v", name, st.Changes)
		}
	}
}

// The relay cannot tell what a frame holds: it is of one type, and padded.
func TestAllLookAlike(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	bob.says(alice, "a question")
	w.settle()
	alice.says(bob, "before") // bob's first answer has reached her, hers does not carry a handshake any more
	w.settle()
	theirs := alice.store.messages[0].Cursor
	m := alice.says(bob, "hi")
	alice.settings.Receipts = true
	c := alice.contacts["bob"]
	c.Online = true
	alice.contacts["bob"] = c
	frames := map[string][]byte{
		"text":   alice.store.outbox[0].Frame,
		"reply":  alice.must(func(s *session) (*step, error) { return s.reply(theirs, "yes", w.now) }).Enqueue[0].Frame,
		"edit":   alice.edits(m.Cursor, "hi there").Enqueue[0].Frame,
		"react":  alice.reacts(theirs, "👩‍❤️‍💋‍👨").Enqueue[0].Frame,
		"delete": alice.deletes(m.Cursor).Enqueue[0].Frame,
		"timer":  alice.times(bob, MaxDisappear).Enqueue[0].Frame,
		"read":   alice.must(func(s *session) (*step, error) { return s.tellRead("bob", crypto.NewMessageID(), w.now) }).Enqueue[0].Frame,
		"typing": alice.must(func(s *session) (*step, error) { return s.typing("bob", w.now) }).hint.frame,
	}
	for name, frame := range frames {
		f, err := protocol.DecodeFromClient(frame)
		if _, ok := f.(*protocol.SendMessage); !ok || err != nil || len(frame) != len(frames["text"]) {
			t.Errorf("%s: %T of %d bytes, %v; a text has %d", name, f, len(frame), err, len(frames["text"]))
		}
	}
	// The greatest answer still fits.
	alice.times(bob, MaxDisappear)
	st := alice.must(func(s *session) (*step, error) { return s.reply(theirs, strings.Repeat("\x01", MaxText), w.now) })
	if n := len(st.Enqueue[0].Frame); n > protocol.MaxFrame {
		t.Errorf("the frame has %d bytes", n)
	}
}

// What the relay refuses for good is said, but of receipts; a receipt of the
// relay's for what is no message moves no message.
func TestRefusedAbout(t *testing.T) {
	w := newWorld(t, "alice", "bob")
	alice, bob := w.pair("alice", "bob")
	w.befriend(alice, bob)
	m := alice.says(bob, "hi")
	w.settle()
	alice.settings.Receipts = true
	to := bob.cert().Address()
	for kind, f := range map[string]func(*session) (*step, error){
		contentEdit:   func(s *session) (*step, error) { return s.edit(m.Cursor, crypto.NewMessageID().String(), w.now) },
		contentReact:  func(s *session) (*step, error) { return s.react(m.Cursor, crypto.NewMessageID().String(), w.now) },
		contentRead:   func(s *session) (*step, error) { return s.tellRead("bob", crypto.NewMessageID(), w.now) },
		contentDelete: func(s *session) (*step, error) { return s.remove(m.Cursor, w.now) },
	} {
		id := func() *crypto.MessageID {
			if msg := alice.find(m); msg.Deleted { // for the next try
				msg.Deleted, msg.Text = false, "hi"
			}
			st := alice.must(f)
			if st.Enqueue[0].Kind != kind {
				t.Errorf("%s is queued as %s", kind, st.Enqueue[0].Kind)
			}
			return &st.Enqueue[0].ID
		}
		first := id()
		for _, r := range []*protocol.Receipt{{ID: *first, Recipient: &to, State: protocol.ReceiptStored}, {Seq: 1, ID: *first, Recipient: &to, State: protocol.ReceiptDelivered}} {
			if st := alice.receives(r); len(st.States) != 0 || len(st.Stored)+len(st.Settle) != 1 {
				t.Errorf("%s, %s: %+v", kind, r.State, st.Changes)
			}
		}
		for what, frame := range map[string]protocol.Frame{
			"expired":       &protocol.Receipt{Seq: 1, ID: *id(), Recipient: &to, State: protocol.ReceiptExpired},
			"mailbox full":  &protocol.Error{Code: protocol.CodeMailboxFull, ID: id(), Message: "full"},
			"not a contact": &protocol.Error{Code: protocol.CodeNotContact, ID: id(), Message: "no"},
		} {
			alice.warnings = nil
			lost := alice.contacts["bob"].Lost
			if what == "not a contact" {
				lost++ // so that asking anew is not passed over
			}
			if st := alice.receives(frame); len(st.States) != 0 || len(st.Settle) != 1 {
				t.Errorf("%s %s: %+v", kind, what, st.Changes)
			}
			if told := len(alice.warnings) == 1 && strings.Contains(alice.warnings[0], "bob"); told != (kind != contentRead) {
				t.Errorf("%s %s: warnings %q", kind, what, alice.warnings)
			}
			if got := alice.contacts["bob"].Lost; got != lost {
				t.Errorf("%s %s: lost are %d, want %d", kind, what, got, lost)
			}
		}
	}
	if len(alice.outbox) != 0 {
		t.Errorf("outbox %v", alice.outbox)
	}
}

// A store keeps microseconds, and the session what the clock said: a message
// that came at the moment in which its author was accepted is of now.
func TestPrecedes(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 6000, time.UTC)
	var c ContactRecord
	c.Since = at.Add(999 * time.Nanosecond)
	for d, want := range map[time.Duration]bool{0: false, 999: false, time.Microsecond: false, -time.Microsecond: true, -time.Hour: true} {
		if got := c.precedes(Message{At: at.Add(d).Truncate(time.Microsecond)}); got != want {
			t.Errorf("%s: %t", d, got)
		}
	}
}
