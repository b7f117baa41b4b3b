package relay

import (
	"testing"

	"secure-messaging/pkg/protocol"
)

// TestContactRules holds the rules against a table of every state that two
// people can be in.
func TestContactRules(t *testing.T) {
	pair := PairOf("bob", "alice")
	if pair != (Pair{"alice", "bob"}) {
		t.Fatal("a pair is in the order of names")
	}
	// alice is Low. A state is written as its letters: A accepted, r and R
	// requested by alice and bob, b and B blocked by alice and bob.
	states := map[string]Relation{
		"":   {},
		"r":  {Low: Side{Requested: true}},
		"R":  {High: Side{Requested: true}},
		"rR": {Low: Side{Requested: true}, High: Side{Requested: true}},
		"A":  {Accepted: true},
		"b":  {Low: Side{Blocked: true}},
		"B":  {High: Side{Blocked: true}},
		"bB": {Low: Side{Blocked: true}, High: Side{Blocked: true}},
	}
	name := func(r Relation) string {
		for s, known := range states {
			known.Version = r.Version
			if known == r {
				return s
			}
		}
		t.Fatalf("%+v is no state", r)
		return ""
	}
	type outcome struct {
		state string
		note  string // "swallowed", or a code
	}
	for rule, want := range map[string]map[string]outcome{ // done by alice
		"request": {
			"": {"r", ""}, "r": {"r", ""}, "R": {"rR", ""}, "rR": {"rR", ""}, "A": {"A", ""},
			"b": {"r", ""}, "B": {"B", "swallowed"}, "bB": {"B", "swallowed"},
		},
		"accept": {
			"": {"", "no_request"}, "r": {"r", "no_request"}, "R": {"A", ""}, "rR": {"A", ""}, "A": {"A", ""},
			"b": {"b", "no_request"}, "B": {"B", "no_request"}, "bB": {"bB", "no_request"},
		},
		"reject": {
			"": {"", ""}, "r": {"r", ""}, "R": {"", ""}, "rR": {"r", ""}, "A": {"A", ""},
			"b": {"b", ""}, "B": {"B", ""}, "bB": {"bB", ""},
		},
		"block": {
			"": {"b", ""}, "r": {"b", ""}, "R": {"b", ""}, "rR": {"b", ""}, "A": {"b", ""},
			"b": {"b", ""}, "B": {"bB", ""}, "bB": {"bB", ""},
		},
	} {
		if len(want) != len(states) {
			t.Fatalf("%s: %d of %d states", rule, len(want), len(states))
		}
		for from, o := range want {
			rel := states[from]
			rel.Version = 7
			before := rel
			mine, theirs := rel.sides(pair, "alice")
			var write, swallowed bool
			var code protocol.Code
			switch rule {
			case "request":
				write, swallowed = ask(&rel, mine, theirs)
			case "accept":
				write, code = agree(&rel, mine, theirs)
			case "reject":
				write = dropRequest(&rel, mine, theirs)
			case "block":
				write = block(&rel, mine, theirs)
			}
			note := string(code)
			if swallowed {
				note = "swallowed"
			}
			if got := name(rel); got != o.state || note != o.note {
				t.Errorf("%s from %q: got %q %q, wanted %q %q", rule, from, got, note, o.state, o.note)
			}
			if !write && rel != before {
				t.Errorf("%s from %q: a change is not written", rule, from)
			}
			if write && rel == before && !swallowed {
				t.Errorf("%s from %q: nothing is written", rule, from)
			}
		}
	}
}

func TestSides(t *testing.T) {
	r := Relation{Low: Side{Requested: true}}
	p := PairOf("alice", "bob")
	if mine, theirs := r.sides(p, "bob"); mine.Requested || !theirs.Requested {
		t.Error("the sides are swapped")
	}
}
