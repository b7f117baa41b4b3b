package client

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/protocol"
)

// gone returns the texts that have gone, by their cursors, in the events behind
// a position, and the warnings.
func gone(t *testing.T, c *Client, position *uint64) (cursors []int64, warnings []string) {
	t.Helper()
	synctest.Wait()
	now, err := c.Events(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for *position < now.Next {
		b, err := c.Events(t.Context(), *position)
		if err != nil {
			t.Fatal(err)
		}
		*position = b.Next
		for _, e := range b.Events {
			switch e.Kind {
			case MessageGone:
				if m := *e.Message; !cmp.Equal(m, Message{Cursor: m.Cursor, ID: m.ID, Contact: "bob", From: m.From}) {
					t.Errorf("told of is %+v", m)
				}
				cursors = append(cursors, e.Message.Cursor)
			case Warned:
				warnings = append(warnings, e.Warning)
			}
		}
	}
	return cursors, warnings
}

// Messages disappear without a relay, for their author when they were written,
// for their reader when they were read, and a copy of one does not come back.
func TestVanish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, store, c := newScript(t)
		ctx := t.Context()
		alice, bob := s.w.pair("alice", "bob")
		position, err := c.Events(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		run(t, c)
		if got, err := c.Disappear(ctx, "bob", time.Hour); err != nil || got.Disappear != 3600 {
			t.Fatalf("%+v, %v", got, err)
		}
		long, err := c.Send(ctx, "bob", "for an hour")
		if err != nil || !long.GoneAt.Equal(time.Now().Add(time.Hour)) || long.Disappear != 3600 {
			t.Fatalf("%+v, %v", long, err)
		}
		short := newContent(contentText, "for ten seconds", time.Now())
		short.Expires = 10
		f := alice.from(bob, short)
		if err := c.handle([]protocol.Frame{f}); err != nil {
			t.Fatal(err)
		}
		ms, _ := c.History(ctx, Query{Incoming: true})
		if len(ms) != 1 || ms[0].Disappear != 10 || !ms[0].GoneAt.IsZero() {
			t.Fatalf("%+v", ms)
		}
		time.Sleep(30 * time.Minute)
		if cursors, _ := gone(t, c, &position.Next); cursors != nil {
			t.Errorf("%v have gone unread", cursors)
		}
		if err := c.MarkRead(ctx, "bob", ms[0].Cursor); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10*time.Second - time.Millisecond)
		if cursors, _ := gone(t, c, &position.Next); cursors != nil {
			t.Errorf("%v have gone too soon", cursors)
		}
		time.Sleep(time.Millisecond)
		if cursors, _ := gone(t, c, &position.Next); !slices.Equal(cursors, []int64{ms[0].Cursor}) {
			t.Errorf("%v have gone, want what was read", cursors)
		}
		if err := c.handle([]protocol.Frame{f}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(30 * time.Minute)
		if cursors, _ := gone(t, c, &position.Next); !slices.Equal(cursors, []int64{long.Cursor}) {
			t.Errorf("%v have gone, want what was written", cursors)
		}
		if ms, _ := c.History(ctx, Query{}); len(ms) != 1 || ms[0].Type != TypeTimer {
			t.Errorf("left are %+v", ms)
		}
		if len(store.outbox) != 2 {
			t.Errorf("%d frames wait: what has not left yet does", len(store.outbox))
		}
	})
}

// Many go in parts, and what was due while no program ran goes when one does.
func TestVanishMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const total = 2*vanishBatch + 7
		_, store, c := newScript(t)
		ctx := t.Context()
		if _, err := c.Disappear(ctx, "bob", time.Second); err != nil {
			t.Fatal(err)
		}
		for range total {
			if _, err := c.Send(ctx, "bob", "x"); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Hour)
		calls := 0
		store.onVanish = func() error { calls++; return nil }
		c = Reopen(t, c)
		c.netDial = (&script{t: t}).dial
		position, _ := c.Events(ctx, 0)
		run(t, c)
		if cursors, _ := gone(t, c, &position.Next); len(cursors) != total || !slices.IsSorted(cursors) || calls != 3 {
			t.Errorf("%d have gone in %d parts", len(cursors), calls)
		}
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if calls != 3 {
			t.Errorf("%d looks with nothing to come", calls)
		}
	})
}

// A disk that fails is told of once, and asked again now and then.
func TestVanishOnFailingDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, store, c := newScript(t)
		ctx := t.Context()
		position, _ := c.Events(ctx, 0)
		calls := 0
		failing := true
		store.onVanish = func() error {
			calls++
			if failing {
				return &Error{Code: CodeStorage, Text: "The disk is full."}
			}
			return nil
		}
		run(t, c)
		if _, err := c.Disappear(ctx, "bob", time.Second); err != nil {
			t.Fatal(err)
		}
		for i := range 50 { // each turns the hourglass
			if _, err := c.Send(ctx, "bob", fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
		}
		time.Sleep(10 * vanishRetry)
		cursors, warnings := gone(t, c, &position.Next)
		if diff := cmp.Diff([]string{"The disk is full."}, warnings); diff != "" || cursors != nil || calls > 12 {
			t.Errorf("%d calls, %d gone; %s", calls, len(cursors), diff)
		}
		store.mu.Lock()
		failing = false
		store.mu.Unlock()
		time.Sleep(vanishRetry)
		if cursors, warnings := gone(t, c, &position.Next); len(cursors) != 50 || warnings != nil {
			t.Errorf("%d have gone, warnings %q", len(cursors), warnings)
		}
	})
}

// What Search and the views are asked is bounded before a store sees it.
func TestSearchAndViews(t *testing.T) {
	_, _, c := newScript(t)
	ctx := t.Context()
	for _, text := range []string{"one apple", "a pear", "two apples"} {
		if _, err := c.Send(ctx, "bob", text); err != nil {
			t.Fatal(err)
		}
	}
	found, err := c.Search(ctx, Search{Find: "apple"})
	if err != nil || len(found) != 2 || found[0].Text != "two apples" {
		t.Errorf("%+v, %v", found, err)
	}
	for _, find := range []string{strings.Repeat("a", MaxFind+1), "\xff"} {
		if _, err := c.Search(ctx, Search{Find: find}); err == nil {
			t.Errorf("%q is looked for", find)
		}
	}
	view := View{Contact: "bob", Draft: strings.Repeat("a", 2*MaxText), Edits: 1, Line: 3}
	if err := c.SetView(ctx, view); err != nil {
		t.Fatal(err)
	}
	for name, v := range map[string]View{
		"a long draft": {Contact: "bob", Draft: view.Draft + "a"}, "not UTF-8": {Contact: "bob", Draft: "\xff"},
		"no name": {Contact: "Bob!", Draft: "x"}, "a place below zero": {Contact: "bob", Top: -1},
	} {
		if err := c.SetView(ctx, v); err == nil {
			t.Errorf("%s is written down", name)
		}
	}
	if got, err := c.Views(ctx); err != nil || !cmp.Equal([]View{view}, got) {
		t.Errorf("%d views, %v", len(got), err)
	}
	if err := c.SetView(ctx, View{Contact: "bob"}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Views(ctx); err != nil || len(got) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
