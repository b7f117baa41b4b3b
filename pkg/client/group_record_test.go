package client

import (
	"encoding/hex"
	"testing"

	"secure-messaging/pkg/crypto"
)

// The hash of a roster is as the specification has it: this one was made by
// another program from that alone. Every field of a roster is in it.
func TestRosterHash(t *testing.T) {
	r := Roster{Epoch: 2, Name: "ops", Owner: "alice", Disappear: 60, Members: []RosterMember{
		{"alice", "aaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa"}, {"bob", "bbbb-bbbb-bbbb-bbbb-bbbb-bbbb-bbbb-bbbb"},
	}}
	for i := range r.ID {
		r.ID[i] = byte(i)
	}
	for i := range r.Before {
		r.Before[i] = 7
	}
	hash := r.hash()
	if got := hex.EncodeToString(hash[:]); got != "92236fa69fdf7a85f07ceebede7b25069de3d58792505cfa2ed1095f281da00f" {
		t.Errorf("it is %s", got)
	}
	for name, change := range map[string]func(*Roster){
		"id":          func(r *Roster) { r.ID = crypto.NewGroupID() },
		"epoch":       func(r *Roster) { r.Epoch++ },
		"name":        func(r *Roster) { r.Name = "dev" },
		"owner":       func(r *Roster) { r.Owner = "bob" },
		"disappear":   func(r *Roster) { r.Disappear++ },
		"before":      func(r *Roster) { r.Before[31]++ },
		"member":      func(r *Roster) { r.Members = r.without("bob") },
		"fingerprint": func(r *Roster) { r.Members = r.with(RosterMember{"bob", r.Members[0].Fingerprint}) },
	} {
		other := r
		change(&other)
		if other.hash() == hash {
			t.Errorf("the %s is not in it", name)
		}
	}
}
