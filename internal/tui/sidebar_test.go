package tui

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// crowd is an account with so many contacts.
func crowd(n int) func(*fake) {
	return func(f *fake) {
		f.mu.Lock()
		defer f.mu.Unlock()
		for i := range n {
			name := fmt.Sprintf("contact_%05d", i)
			f.contacts[name] = client.Contact{Name: name, State: client.Accepted, Trust: client.Pinned, Fingerprint: bobsPrint, LastAt: time.Now().Add(-time.Duration(n-i) * time.Minute)}
		}
	}
}

// TestSidebarOfMany: what waits out of sight is told at the ends and found by a
// click, and the wheel goes there.
func TestSidebarOfMany(t *testing.T) {
	inBubble(t, usual, crowd(10_000), func(s *screen, f *fake) {
		s.shows("write to contact_09999")
		s.hides("↑", "↓")
		f.says("contact_00003", "hello")
		f.says("contact_00003", "hello?")
		f.says("contact_04000", "me, too")
		f.asks("dave", "let me in")
		s.wait()
		s.shows(" ↑ 3 unread", "dave")
		s.click("↑ 3 unread")
		s.shows("write to contact_00003", "hello?", "↓ 1 unread ◆ 1")
		s.press("alt+a")
		s.shows("write to contact_04000", "↓ 1 asking")
		for range 20 {
			s.type_("\x1b[<65;5;10M")
		}
		s.shows("contact_04060", "write to contact_04000")
		s.hides("contact_04046", "contact_04073")
		s.click("contact_04060")
		s.shows("write to contact_04060")
		s.press("ctrl+k")
		s.shows("▌  contact_00003", "contact_04000", "contact_09999", "contact_09998") // who spoke last
		s.type_("77")
		s.shows("contact_07799")
		s.press("enter")
		s.shows("write to contact_07")
	})
}

// TestRosterKeepsOrder: whatever happens to people, the sidebar and what is
// counted are as if they had been sorted anew.
func TestRosterKeepsOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	states := []client.ContactState{client.Accepted, client.Incoming, client.Requested, client.Blocked, client.Known}
	var r roster
	r.set(nil)
	all := map[string]client.Contact{}
	for range 3000 {
		c := client.Contact{Name: fmt.Sprint("n", random.IntN(60)), State: states[random.IntN(len(states))], Unread: max(random.IntN(6)-3, 0)}
		before, had := all[c.Name]
		if !had || group(before.State) < 0 {
			before.State = client.Known
		}
		if got := r.put(c); got != before.State {
			t.Fatalf("%s was %s, got %s", c.Name, before.State, got)
		}
		all[c.Name] = c
		var want []client.Contact
		unread := 0
		for _, c := range all {
			if group(c.State) >= 0 {
				want = append(want, c)
				unread += c.Unread
			}
		}
		slices.SortFunc(want, func(a, b client.Contact) int {
			return cmp.Or(cmp.Compare(group(a.State), group(b.State)), strings.Compare(a.Name, b.Name))
		})
		if len(want) != len(r.contacts) || r.unread("") != unread {
			t.Fatalf("%d people and %d unread, want %d and %d", len(r.contacts), r.unread(""), len(want), unread)
		}
		for i, w := range want {
			if *r.contacts[i] != w || r.index(w.Name) != i || r.at(r.rowOf(i)) != i {
				t.Fatalf("place %d has %v, want %v", i, *r.contacts[i], w)
			}
		}
		next, here := "", c.Name
		for i := range want {
			if w := want[(max(r.index(here), -1)+1+i)%len(want)]; w.Unread > 0 && w.Name != here && next == "" {
				next = w.Name
			}
		}
		if got := r.nextUnread(here); got != next && (r.index(here) >= 0 || next == "" || got == "") {
			t.Fatalf("after %s comes %q, want %q", here, got, next)
		}
	}
}

func TestNarrowing(t *testing.T) {
	list := narrow([]string{"a-long-bob", "bobby", "xbobx", "b-o-b", "carol", "Bob"})
	for pattern, want := range map[string]string{
		"":     "[0 1 2 3 4 5]",
		"bob":  "[1 5 0 2 3]", // at the beginning, at that of a word, within one, scattered
		"BOB ": "[1 5 0 2 3]",
		"rc":   "[]",
	} {
		if got := fmt.Sprint(list.to(pattern)); got != want {
			t.Errorf("%q gives %s, want %s", pattern, got, want)
		}
	}
}

// BenchmarkCrowd is what it costs with ten thousand contacts to open the list of
// conversations and that of all that can be done, and a key in each, up to the
// frame.
func BenchmarkCrowd(b *testing.B) {
	f := newFake()
	crowd(10_000)(f)
	m := newModel(newJobs(context.Background(), f), Options{})
	m.Update(tea.WindowSizeMsg{Width: 160, Height: 45})
	m.Update(m.jobs.open()())
	for name, open := range map[string]rune{"jump": 'k', "palette": 'p'} {
		b.Run(name+" open", func(b *testing.B) {
			for b.Loop() {
				m.Update(tea.KeyPressMsg{Code: open, Mod: tea.ModCtrl})
				_ = m.View()
				m.dialog = nil
			}
		})
		b.Run(name+" key", func(b *testing.B) {
			m.Update(tea.KeyPressMsg{Code: open, Mod: tea.ModCtrl})
			for b.Loop() {
				m.Update(tea.KeyPressMsg{Code: '7', Text: "7"})
				_ = m.View()
				m.Update(tea.KeyPressMsg{Code: tea.KeyBackspace})
				_ = m.View()
			}
			m.dialog = nil
		})
	}
}
