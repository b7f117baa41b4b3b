package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"secure-messaging/internal/figures"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/stage"
	"secure-messaging/pkg/client"
)

// small is a run that takes seconds. Its times are not looked at: other
// programs use the machine, too.
var small = config{messages: 300, keys: 50, burst: 150, contacts: 5, openings: 1, cols: 100, rows: 30}

// TestMeasurements: every figure is taken of as many keys as were asked for, the
// screen follows each of them, and what came in meanwhile is there, once, in
// order.
func TestMeasurements(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	w, err := newWorld(ctx, small, openHouse(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := w.close(); err != nil {
			t.Error(err)
		}
	}()
	for _, m := range []struct {
		name    string
		measure func(context.Context) ([]figures.Row, error)
		rows    int
	}{{"first", w.first, 4}, {"typing", w.typing, 1}, {"scrolling", w.scrolling, 1}, {"bursting", w.bursting, 1}, {"idling", w.idling, 1}} {
		rows, err := m.measure(ctx)
		if err != nil {
			t.Fatalf("%s: %v", m.name, err)
		}
		if len(rows) < m.rows {
			t.Errorf("%s gave %d rows: %v", m.name, len(rows), rows)
		}
		if m.name == "typing" && rows[0].Cells[0] != fmt.Sprint(small.keys) {
			t.Errorf("%s keys were measured, not %d", rows[0].Cells[0], small.keys)
		}
	}
	if err := w.leave(ctx); err != nil {
		t.Fatal(err)
	}
	arrived(t)
}

// arrived looks at the profile for what the burst was.
func arrived(t *testing.T) {
	t.Helper()
	ref, found, err := profile.Find(me, "")
	if err != nil || !found {
		t.Fatal("there is no profile of "+me+": ", err)
	}
	err = stage.Edit(ref, func(store *profile.Store) error {
		all, err := store.History(client.Query{Contact: myFriend, Limit: small.burst + 1})
		if err != nil {
			return err
		}
		if len(all) != small.burst+1 || all[small.burst].Text != lastOfBurst || all[0].Text != stage.Numbered(small.messages) {
			t.Errorf("of a burst of %d there are %d messages, from %q to %q", small.burst, len(all)-1, all[0].Text, all[len(all)-1].Text)
		}
		seen := map[string]bool{}
		for _, m := range all[1:] {
			if seen[m.Text] {
				t.Errorf("%q is there twice", m.Text)
			}
			seen[m.Text] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
