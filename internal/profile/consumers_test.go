package profile

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/client"
)

// TestConsumers: each has a place of its own, which outlives the process, never
// goes back, and is never in front of what there was.
func TestConsumers(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	gone := incoming(bob, "gone by then")
	gone.GoneAt = now()
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob}, Messages: []client.NewMessage{incoming(bob, "one"), incoming(bob, "two"), gone}})
	if _, _, err := s.Vanish(now(), 1); err != nil {
		t.Fatal(err)
	}
	at := now()
	for _, c := range []struct {
		name   string
		cursor int64
	}{{"mail", 0}, {"ci", 2}, {"old", 3}, {"ci", 1}} {
		if err := s.Ack(c.name, c.cursor, at); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Second)
	}
	if err := s.Ack("ci", 4, at); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("a message that is not there yet is acked: %v", err)
	}
	if err := s.DropConsumer("old"); err != nil {
		t.Error(err)
	}
	s = reopen(t, s)
	got, err := s.Consumers()
	want := []client.Consumer{{Name: "ci", Cursor: 2, At: at.Add(-time.Second)}, {Name: "mail", At: at.Add(-4 * time.Second)}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Fatal(diff, err)
	}
}

// afterAck gives the model with a consumer that has come so far.
func (m model) afterAck(o client.Consumer) model {
	m.Consumers = maps.Clone(m.Consumers)
	if m.Consumers == nil {
		m.Consumers = map[string]client.Consumer{}
	}
	o.Cursor = max(o.Cursor, m.Consumers[o.Name].Cursor)
	m.Consumers[o.Name] = o
	return m
}

// TestHistoryOfID: one message is found by its id, in its conversation or in all.
func TestHistoryOfID(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob := contactOf(t, "bob", client.Accepted)
	one, two := incoming(bob, "one"), incoming(bob, "two")
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob}, Messages: []client.NewMessage{one, two}})
	for contact, want := range map[string][]string{"": {"one"}, "bob": {"one"}, "carol": {}} {
		if diff := cmp.Diff(want, texts(history(t, s, client.Query{ID: one.ID, Contact: contact}))); diff != "" {
			t.Errorf("in %q: %s", contact, diff)
		}
	}
}
