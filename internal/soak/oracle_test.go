package main

import (
	"context"
	"strings"
	"testing"

	"secure-messaging/pkg/client"
)

var ab = stream{"alice", "bob"}

// shown is the message with a number as bob's screen shows it.
func shown(n int) client.Message {
	return client.Message{From: "alice", Type: client.TypeText, Text: ab.text(n), State: client.Received}
}

func everybody(string) bool { return true }

func TestOracle(t *testing.T) {
	gap := client.Message{From: "alice", Type: client.TypeMissing, Text: "2"}
	altered := shown(2)
	altered.Text += "!"
	stranger := shown(1)
	stranger.From = "carol"
	for _, test := range []struct {
		name  string
		heard []int // stored
		shown []client.Message
		want  string // in what show says of the last one; empty for nothing
		lost  string // in what missing says after that
	}{
		{name: "in order", heard: []int{1, 2}, shown: []client.Message{shown(1), shown(2)}},
		{name: "shown before it was heard of", shown: []client.Message{shown(1)}},
		{name: "one left out", heard: []int{2}, shown: []client.Message{shown(1), shown(3)}, want: "lost or out of order: message 2 of alice to bob (the sender has heard stored); bob is shown message 3", lost: "message 2"},
		{name: "one not promised left out", shown: []client.Message{shown(2)}, want: "message 1 of alice to bob (the sender has heard nothing of it)"},
		{name: "twice", shown: []client.Message{shown(1), shown(2), shown(2)}, want: "twice or out of order: bob is shown message 2 of alice again, behind 2"},
		{name: "an old one", shown: []client.Message{shown(1), shown(2), shown(1)}, want: "twice"},
		{name: "a gap", heard: []int{1}, shown: []client.Message{gap}, want: "lost: message 1 of alice to bob (the sender has heard stored); bob is shown a gap of 2", lost: "message 1"},
		{name: "unreadable", shown: []client.Message{{From: "alice", Type: client.TypeUnreadable}}, want: "unreadable"},
		{name: "other words", shown: []client.Message{shown(1), altered}, want: "twice or out of order"},
		{name: "one too many", shown: []client.Message{shown(1), shown(2), shown(3), shown(4)}, want: "message 4"},
		{name: "a stranger", shown: []client.Message{stranger}, want: "does not write to them"},
		{name: "not arrived", heard: []int{1, 2, 3}, shown: []client.Message{shown(1)}, lost: "lost: message 2 of alice to bob (the sender has heard stored)"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOracle(map[stream]int{ab: 3})
			for _, n := range test.heard {
				if err := o.hear(ab, n, client.Stored); err != nil {
					t.Fatal(err)
				}
			}
			var err error
			for i, m := range test.shown {
				if err = o.show(m, "bob"); err != nil && i < len(test.shown)-1 {
					t.Fatal(err)
				}
			}
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("it says: %v, want %q", err, test.want)
			}
			lost := o.missing(everybody)
			if (lost == nil) != (test.lost == "") || lost != nil && !strings.Contains(lost.Error(), test.lost) {
				t.Errorf("missing: %v, want %q", lost, test.lost)
			}
			if (o.pending == 0) != (lost == nil) {
				t.Errorf("%d are pending", o.pending)
			}
		})
	}
}

func TestOracleHears(t *testing.T) {
	o := newOracle(map[stream]int{ab: 2})
	if err := o.hear(ab, 1, client.Failed); err == nil {
		t.Error("a message that has failed is no failure")
	}
	if err := o.hear(ab, 3, client.Stored); err == nil {
		t.Error("a message that was never to be written is heard of")
	}
	for _, state := range []client.MessageState{client.Waiting, client.Stored, client.Delivered, client.Stored} {
		if err := o.hear(ab, 2, state); err != nil {
			t.Fatal(err)
		}
	}
	if o.stored != 1 || o.pending != 1 || o.of[ab].heard[1] != client.Delivered {
		t.Errorf("%d stored, %d pending, the second is %q", o.stored, o.pending, o.of[ab].heard[1])
	}
	if said := o.behind(); !strings.Contains(said, "0 of 2") {
		t.Errorf("behind: %s", said)
	}
}

func TestOracleAwait(t *testing.T) {
	o := newOracle(map[stream]int{ab: 2})
	looked, ended := make(chan struct{}, 10), make(chan error, 1)
	go func() {
		ended <- o.await(context.Background(), func(o *oracle) bool {
			looked <- struct{}{}
			return o.shown == 2
		})
	}()
	for n := 1; n <= 2; n++ {
		<-looked // it waits, or will look again
		if err := o.show(shown(n), "bob"); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errLimit)
	if err := o.await(ctx, func(*oracle) bool { return false }); err != errLimit {
		t.Errorf("got %v", err)
	}
}

// Every message is written, and those of a stream differ.
func TestPlan(t *testing.T) {
	for _, c := range []config{{pairs: 2, messages: 6}, {pairs: 4, chats: 1, messages: 2000}, {pairs: 20, chats: 3, messages: 200_000}} {
		o := newOracle(plan(c))
		if o.total < c.messages || o.total > c.messages+c.pairs+fanOut*c.chats {
			t.Errorf("%+v: %d messages are planned", c, o.total)
		}
		to := map[string]int{}
		for _, s := range o.streams {
			to[s.to]++
		}
		if len(o.streams) != c.pairs*min(fanOut, c.pairs) || len(to) != c.pairs {
			t.Errorf("%+v: %d streams to %d people", c, len(o.streams), len(to))
		}
	}
	for n := 1; n < 100; n++ {
		if number(ab.text(n)) != n {
			t.Errorf("the number of %q is not %d", ab.text(n), n)
		}
	}
}
