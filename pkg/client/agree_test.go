package client

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Through lost connections, restarts and a disk that fails now and then, whatever
// two people do to what they have said, both come to see the same, and each reads
// what the other has read.
func TestBothSidesAgree(t *testing.T) {
	did := map[string]int{}
	for seed := range uint64(60) {
		rnd := rand.New(rand.NewPCG(seed, 3))
		w := newWorld(t, "alice", "bob")
		alice, bob := w.pair("alice", "bob")
		w.befriend(alice, bob)
		full := &Error{Code: CodeStorage, Text: "full"}
		on := Settings{Receipts: true, Typing: true}
		for _, p := range []*person{alice, bob} {
			p.must(func(*session) (*step, error) { st := &step{}; st.Settings = &on; return st, nil })
		}
		for i := range 250 {
			p, o := alice, bob
			if rnd.IntN(2) == 0 {
				p, o = bob, alice
			}
			failing := func() { // the disk does not take the next step
				if rnd.IntN(8) == 0 {
					p.store.onCommit = func(*Changes) error { return full }
				}
			}
			switch rnd.IntN(8) {
			case 0:
				p.reconnect()
			case 1:
				p.hear()
			case 2:
				failing()
				if _, err := p.takes(p.mailbox[:rnd.IntN(len(p.mailbox)+1)]...); err != nil && !errors.Is(err, full) {
					t.Fatal(err)
				}
			case 3:
				p.drain()
			case 4:
				p.restart()
			default:
				kind, f := p.whim(rnd, o, i)
				failing()
				st, err := p.do(f)
				switch {
				case err == nil:
					did[kind]++
					if st.hint != nil && rnd.IntN(2) == 0 { // or the connection has ended
						w.route(p, st.hint.frame)
					}
				case !errors.Is(err, full):
					t.Fatalf("seed %d: %s: %v", seed, kind, err)
				}
			}
			p.store.onCommit = nil
		}
		w.settle()
		alice.says(bob, "the last word")
		bob.says(alice, "the very last")
		w.settle()
		alice.reads(bob)
		bob.reads(alice)
		w.settle()
		ours, theirs := alice.talk(bob), bob.talk(alice)
		slices.Sort(ours) // they may have crossed
		slices.Sort(theirs)
		if diff := cmp.Diff(ours, theirs); diff != "" {
			t.Errorf("seed %d (-alice +bob):\n%s", seed, diff)
		}
		for _, p := range []*person{alice, bob} {
			for _, m := range p.store.messages {
				if m.From == p.name && m.State != Read || m.Type == TypeMissing || m.Type == TypeUnreadable {
					t.Errorf("seed %d: %s has %+v", seed, p.name, m.Message)
				}
			}
			if len(p.outbox) != 0 || len(p.warnings) != 0 || p.waiting != 0 {
				t.Errorf("seed %d: %s: outbox %v, warnings %q", seed, p.name, p.outbox, p.warnings)
			}
		}
	}
	for kind, n := range map[string]int{"send": 300, "reply": 50, "edit": 50, "delete": 20, "react": 50, "timer": 20, "typing": 20, "read": 20} {
		if did[kind] < n {
			t.Errorf("%s: done %d times, want %d", kind, did[kind], n)
		}
	}
}

// whim is something that somebody might want.
func (p *person) whim(rnd *rand.Rand, o *person, i int) (string, func(*session) (*step, error)) {
	now := p.w.now
	var own, any []int64
	for _, m := range p.store.messages {
		if m.Type != TypeText || m.Deleted {
			continue
		}
		any = append(any, m.Cursor)
		if m.From == p.name {
			own = append(own, m.Cursor)
		}
	}
	pick := func(from []int64) int64 { return from[rnd.IntN(len(from))] }
	switch n := 1 + rnd.IntN(11); {
	case n == 1:
		return "timer", func(s *session) (*step, error) {
			return s.disappear(o.name, time.Duration(rnd.IntN(100))*time.Second, now)
		}
	case n == 2:
		return "typing", func(s *session) (*step, error) {
			user := o.cert().User
			s.contacts[user] = online(s.contacts[user])
			delete(s.typed, user)
			return s.typing(o.name, now)
		}
	case n == 3:
		return "read", func(s *session) (*step, error) {
			for _, m := range slices.Backward(p.store.messages) {
				if m.From == o.name && m.Type == TypeText {
					return s.tellRead(o.name, parseID(p.w.t, m.ID), now)
				}
			}
			return &step{}, nil
		}
	case n < 6 || len(own) == 0:
		return "send", func(s *session) (*step, error) { return s.send(o.name, fmt.Sprint(p.name, i), about{}, now) }
	case n == 6:
		return "reply", func(s *session) (*step, error) { return s.reply(pick(any), fmt.Sprint(p.name, i), now) }
	case n == 7:
		return "edit", func(s *session) (*step, error) { return s.edit(pick(own), fmt.Sprint(p.name, i), now) }
	case n == 8:
		return "delete", func(s *session) (*step, error) { return s.remove(pick(own), now) }
	}
	return "react", func(s *session) (*step, error) {
		return s.react(pick(any), []string{"", "👍", "🎉"}[rnd.IntN(3)], now)
	}
}
