package client

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// from is a content on its way from somebody, as the relay hands it on.
func (p *person) from(o *person, c content) *protocol.EncryptedMessage {
	return &protocol.EncryptedMessage{Seq: 7, From: o.cert().Address(), ID: c.ID, Time: 1, Data: sealed(p.w.t, o, p, c)}
}

// of names a message of somebody's.
func of(t *testing.T, m Message) about { return about{crypto.Username(m.From), parseID(t, m.ID)} }

// saying is a content of a type about a message.
func (w *world) saying(typ, body string, a about) content {
	c := newContent(typ, body, w.now)
	c.About = a
	return c
}

// quarrel is alice, who has accepted bob and carol, and what each has said.
type quarrel struct {
	*world
	alice, bob, carol *person
	own               Message // alice to bob
	theirs, other     Message // bob to alice
	deleted           Message
	timer             Message
	toCarol, carols   Message
}

func newQuarrel(t *testing.T) *quarrel {
	w := newWorld(t, "alice", "bob", "carol")
	alice, bob := w.pair("alice", "bob")
	q := &quarrel{world: w, alice: alice, bob: bob, carol: w.people["carol"]}
	w.befriend(alice, bob)
	w.befriend(alice, q.carol)
	q.own, q.theirs = alice.says(bob, "mine"), bob.says(alice, "theirs")
	q.deleted, q.other = alice.says(bob, "deleted"), bob.says(alice, "other")
	q.timer = bob.times(alice, time.Minute).Messages[0].Message
	q.toCarol, q.carols = alice.says(q.carol, "hi carol"), q.carol.says(alice, "hi alice")
	w.settle()
	alice.deletes(q.deleted.Cursor)
	w.settle()
	alice.settings = Settings{Receipts: true, Typing: true, Presence: true}
	return q
}

// A content about a message that bob may not touch, or that is not there, is
// acked, known, and has no effect.
func TestHostileAbout(t *testing.T) {
	q := newQuarrel(t)
	text := q.own
	text.ID = crypto.NewMessageID().String()
	for name, c := range map[string]content{
		"edit of nothing":                q.saying(contentEdit, "x", about{"bob", crypto.NewMessageID()}),
		"edit under the id of alice's":   q.saying(contentEdit, "x", about{"bob", parseID(t, q.own.ID)}),
		"edit under the id of carol's":   q.saying(contentEdit, "x", about{"bob", parseID(t, q.carols.ID)}),
		"edit of a timer":                q.saying(contentEdit, "x", of(t, q.timer)),
		"delete of nothing":              q.saying(contentDelete, "", about{"bob", crypto.NewMessageID()}),
		"delete under the id of alice's": q.saying(contentDelete, "", about{"bob", parseID(t, q.own.ID)}),
		"delete of a timer":              q.saying(contentDelete, "", of(t, q.timer)),
		"react to nothing":               q.saying(contentReact, "x", of(t, text)),
		"react to what is deleted":       q.saying(contentReact, "x", of(t, q.deleted)),
		"react to a timer":               q.saying(contentReact, "x", of(t, q.timer)),
		"react to another conversation":  q.saying(contentReact, "x", of(t, q.toCarol)),
		"react under the id of carol's":  q.saying(contentReact, "x", about{"bob", parseID(t, q.carols.ID)}),
		"read of nothing":                q.saying(contentRead, "", of(t, text)),
		"read of another conversation":   q.saying(contentRead, "", of(t, q.toCarol)),
		"read under the id of their own": q.saying(contentRead, "", about{"alice", parseID(t, q.theirs.ID)}),
		"typing":                         q.saying(contentTyping, "", about{}),
	} {
		t.Run(name, func(t *testing.T) {
			q.t = t
			before := slices.Clone(q.alice.store.messages)
			st := q.alice.receives(q.alice.from(q.bob, c))
			if diff := cmp.Diff(before, q.alice.store.messages, cmp.AllowUnexported(NewMessage{}, crypto.Address{})); diff != "" {
				t.Errorf("changed (-before +after):\n%s", diff)
			}
			if st.ack != 7 || len(st.Heard) != 1 || len(st.Rewrites)+len(st.Reacts)+len(st.Reads) != 0 || len(q.alice.warnings) != 0 {
				t.Errorf("%+v, warnings %q", st.Changes, q.alice.warnings)
			}
			if seen, err := q.alice.store.Seen(q.bob.cert().Address(), c.ID); !seen || err != nil {
				t.Error("a copy is not known")
			}
		})
	}
}

// A content that is not well formed is shown as one that cannot be read, and
// has no effect.
func TestMalformedAbout(t *testing.T) {
	q := newQuarrel(t)
	own, theirs, carols := of(t, q.own), of(t, q.theirs), of(t, q.carols)
	expires := func(n int) content {
		c := q.saying(contentText, "x", about{})
		c.Expires = n
		return c
	}
	for name, c := range map[string]content{
		"edit of alice's":          q.saying(contentEdit, "x", own),
		"edit of carol's":          q.saying(contentEdit, "x", carols),
		"edit, empty":              q.saying(contentEdit, "", theirs),
		"edit, oversized":          q.saying(contentEdit, strings.Repeat("a", MaxText+1), theirs),
		"edit about nothing":       q.saying(contentEdit, "x", about{}),
		"delete of alice's":        q.saying(contentDelete, "", own),
		"delete of carol's":        q.saying(contentDelete, "", carols),
		"delete with words":        q.saying(contentDelete, "x", theirs),
		"delete about nothing":     q.saying(contentDelete, "", about{}),
		"react, oversized":         q.saying(contentReact, strings.Repeat("a", MaxReaction+1), own),
		"react with an escape":     q.saying(contentReact, "\x1b[2J", own),
		"react with a C1":          q.saying(contentReact, "\u009b2J", own),
		"react to a third":         q.saying(contentReact, "x", carols),
		"react about nothing":      q.saying(contentReact, "x", about{}),
		"read of their own":        q.saying(contentRead, "", theirs),
		"read with words":          q.saying(contentRead, "x", own),
		"read about nothing":       q.saying(contentRead, "", about{}),
		"typing with words":        q.saying(contentTyping, "x", about{}),
		"timer, too long":          q.saying(contentTimer, fmt.Sprint(maxExpires+1), about{}),
		"timer below zero":         q.saying(contentTimer, "-1", about{}),
		"timer, another form":      q.saying(contentTimer, "060", about{}),
		"timer, no number":         q.saying(contentTimer, "a minute", about{}),
		"timer, empty":             q.saying(contentTimer, "", about{}),
		"text to a third":          q.saying(contentText, "x", carols),
		"text expires before":      expires(-1),
		"text expires too late":    expires(maxExpires + 1),
		"a request in its frame":   q.saying(contentRequest, "x", about{}),
		"an acceptance, the same":  q.saying(contentAccept, "", about{}),
		"a text about half of one": q.saying(contentText, "x", about{From: "bob"}),
	} {
		t.Run(name, func(t *testing.T) {
			q.t = t
			before, timer := q.alice.talk(q.bob), q.alice.contacts["bob"].Disappear
			q.alice.receives(q.alice.from(q.bob, c))
			if diff := cmp.Diff(append(before, `bob unreadable ""`), q.alice.talk(q.bob)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := q.alice.contacts["bob"].Disappear; got != timer {
				t.Errorf("the timer is %d", got)
			}
		})
	}
}

// A copy of any content has no effect, also after a restart, and what the same
// effect would have by another copy is not had twice.
func TestCopiesOfAbout(t *testing.T) {
	q := newQuarrel(t)
	theirs := of(t, q.theirs)
	for _, c := range []content{
		q.saying(contentEdit, "first", theirs),
		q.saying(contentReact, "x", theirs),
		q.saying(contentRead, "", of(t, q.own)),
		q.saying(contentTyping, "", about{}),
		q.saying(contentTimer, "5", about{}),
		q.saying(contentText, "an answer", of(t, q.own)),
		q.saying(contentReact, "", theirs),
		q.saying(contentDelete, "", theirs),
	} {
		f := q.alice.from(q.bob, c)
		q.alice.receives(f)
		talk := q.alice.talk(q.bob)
		unmoved(t, q.alice, false, f)
		q.alice.restart()
		unmoved(t, q.alice, false, f)
		q.alice.settings.Receipts = true
		if _, err := q.alice.takes(f, f); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(talk, q.alice.talk(q.bob)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", c.Type, diff)
		}
	}
}

// The program ends after it has written and before it has acked. The same comes
// again, and what it was for has happened once.
func TestCrashBeforeAck(t *testing.T) {
	for _, kind := range []string{contentText, contentTimer, contentEdit, contentReact, contentDelete, contentRead, contentTyping} {
		t.Run(kind, func(t *testing.T) {
			q := newQuarrel(t)
			body, a := map[string]string{contentText: "x", contentTimer: "7", contentEdit: "x", contentReact: "x"}[kind], about{}
			switch kind {
			case contentEdit, contentReact, contentDelete:
				a = of(t, q.theirs)
			case contentRead:
				a = of(t, q.own)
			}
			q.alice.mailbox = []protocol.Frame{q.alice.from(q.bob, q.saying(kind, body, a)), q.alice.from(q.bob, q.saying(contentText, "behind it", about{}))}
			lost := errorAfter(q.alice, 1)
			if _, err := q.alice.takes(q.alice.mailbox...); err != lost {
				t.Fatalf("the commit: %v", err)
			}
			q.alice.restart()
			q.alice.settings.Receipts = true
			if _, err := q.alice.takes(q.alice.mailbox[0]); err != nil { // written, and not acked
				t.Fatal(err)
			}
			after := q.alice.talk(q.bob)
			q.alice.restart()
			q.alice.settings.Receipts = true
			q.alice.drain()
			if diff := cmp.Diff(append(after, `bob text "behind it"`), q.alice.talk(q.bob)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// errorAfter lets a disk not take the next n transactions.
func errorAfter(p *person, n int) error {
	full := &Error{Code: CodeStorage, Text: "full"}
	p.store.onCommit = func(*Changes) error {
		if n--; n < 0 {
			p.store.onCommit = nil
			return nil
		}
		return full
	}
	return full
}

// What was overtaken does not undo what came before it; a deletion is final.
func TestLateAbout(t *testing.T) {
	q := newQuarrel(t)
	theirs, other := of(t, q.theirs), of(t, q.other)
	at := q.alice.its(q.theirs)
	late := map[string]*protocol.EncryptedMessage{
		"edit":   q.alice.from(q.bob, q.saying(contentEdit, "old", theirs)),
		"react":  q.alice.from(q.bob, q.saying(contentReact, "old", theirs)),
		"timer":  q.alice.from(q.bob, q.saying(contentTimer, "1", about{})),
		"delete": q.alice.from(q.bob, q.saying(contentDelete, "", other)),
	}
	q.alice.receives(q.alice.from(q.bob, q.saying(contentEdit, "new", theirs)))
	q.alice.receives(q.alice.from(q.bob, q.saying(contentReact, "new", theirs)))
	q.alice.receives(q.alice.from(q.bob, q.saying(contentTimer, "9", about{})))
	for _, f := range late {
		q.alice.receives(f)
	}
	m, err := q.alice.store.Place(at)
	if err != nil || m.Text != "new" || len(m.Reactions) != 1 || m.Reactions[0].Emoji != "new" {
		t.Errorf("%+v, %v", m.Message, err)
	}
	if got := q.alice.contacts["bob"].Disappear; got != 9 {
		t.Errorf("the timer is %d", got)
	}
	if m, _ := q.alice.store.Place(q.alice.its(q.other)); !m.Deleted {
		t.Errorf("%+v", m.Message)
	}
	talk := q.alice.talk(q.bob)
	if !slices.Contains(talk, `bob timer "1"`) || !slices.Contains(talk, `bob missing "4"`) {
		t.Errorf("what came late has no place: %q", talk)
	}
}

// Whoever takes another's name, even with their device's id, does not touch what
// they wrote, nor say what of ours was read.
func TestNewKeyLeavesOldWords(t *testing.T) {
	q := newQuarrel(t)
	q.now = q.now.Add(time.Hour)
	keys := evil(q.world, "bob", q.relay.Public()).keys
	keys.Certificate = crypto.NewCertificate(keys.Account, crypto.Certificate{
		Relay: keys.Relay, User: "bob", Device: q.bob.cert().Device,
		Login: keys.Device.Public(), Box: keys.Box.Public(), Version: crypto.EndToEndVersion, Created: q.now,
	})
	other := &person{w: q.world, name: "bob", store: NewMemStore(keys, crypto.NewPrekey(crypto.PrekeySigned, 1, q.now))}
	other.restart()
	q.people["bob"] = other
	other.asks(q.alice, "it is me")
	q.settle()
	if _, err := q.alice.decides(other, TakeKey, q.alice.number(other).Offered); err != nil {
		t.Fatal(err)
	}
	q.now = q.now.Add(time.Minute)
	other.asks(q.alice, "again")
	q.settle()
	q.alice.accepts(other)
	q.settle()
	q.wants(other, q.alice, Accepted)
	if other.cert().Address() != q.bob.cert().Address() || q.alice.contacts["bob"].State != Accepted {
		t.Fatal("the new key does not pose as the old device")
	}
	before := q.alice.talk(other)
	for _, c := range []content{
		q.saying(contentEdit, "forged", of(t, q.theirs)), q.saying(contentDelete, "", of(t, q.other)),
		q.saying(contentReact, "x", of(t, q.theirs)), q.saying(contentReact, "x", of(t, q.own)), q.saying(contentRead, "", of(t, q.own)),
	} {
		st := q.alice.receives(q.alice.from(other, c))
		if len(st.Heard) != 1 || len(st.Rewrites)+len(st.Reacts)+len(st.Reads) != 0 {
			t.Errorf("%s: %+v", c.Type, st.Changes)
		}
	}
	if diff := cmp.Diff(before, q.alice.talk(other)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if _, err := q.alice.do(func(s *session) (*step, error) { return s.edit(q.own.Cursor, "for the new key?", q.now) }); err == nil {
		t.Error("what was said to the old key is said anew to the new one")
	}
	m := other.says(q.alice, "mine")
	other.edits(m.Cursor, "mine, edited")
	q.settle()
	if got := q.alice.talk(other); got[len(got)-1] != `bob text "mine, edited" edited` {
		t.Errorf("%q", got)
	}
}

// What comes together is as if it came one by one: nothing is put beside a
// message that was deleted a moment ago, nor stays.
func TestDeletedInABatch(t *testing.T) {
	q := newQuarrel(t)
	theirs := of(t, q.theirs)
	var frames []protocol.Frame
	for _, c := range []content{
		q.saying(contentReact, "before", theirs), q.saying(contentDelete, "", theirs), q.saying(contentReact, "behind", theirs), q.saying(contentEdit, "back", theirs),
	} {
		frames = append(frames, q.alice.from(q.bob, c))
	}
	if _, err := q.alice.takes(frames...); err != nil {
		t.Fatal(err)
	}
	if m, err := q.alice.store.Place(q.alice.its(q.theirs)); err != nil || !m.Deleted || m.Text != "" || len(m.Reactions) != 0 {
		t.Errorf("%+v, %v", m.Message, err)
	}
}

// A flood leaves one reaction of each side, and no place taken.
func TestReactionFlood(t *testing.T) {
	q := newQuarrel(t)
	before := len(q.alice.store.messages)
	for i := range 1000 {
		q.alice.receives(q.alice.from(q.bob, q.saying(contentReact, fmt.Sprint(i), of(t, q.own))))
	}
	m, _ := q.alice.store.Place(q.own.Cursor)
	if diff := cmp.Diff([]Reaction{{"bob", "999"}}, m.Reactions); diff != "" || len(q.alice.store.messages) != before {
		t.Errorf("%d messages; %s", len(q.alice.store.messages), diff)
	}
}

// What is kept back leaves a gap, of whatever type; typing leaves none.
func TestGapsOfAbout(t *testing.T) {
	q := newQuarrel(t)
	q.alice.from(q.bob, q.saying(contentReact, "x", of(t, q.own))) // kept back
	q.alice.receives(q.alice.from(q.bob, q.saying(contentReact, "y", of(t, q.own))))
	q.alice.from(q.bob, q.saying(contentTyping, "", about{})) // dropped
	q.alice.receives(q.alice.from(q.bob, q.saying(contentText, "behind it", about{})))
	got := q.alice.talk(q.bob)
	if diff := cmp.Diff([]string{`bob missing "1"`, `bob text "behind it"`}, got[len(got)-2:]); diff != "" {
		t.Error(diff)
	}
}
