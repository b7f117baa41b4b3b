package session_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/padding"
	"secure-messaging/pkg/crypto/session"
)

var begun = time.Unix(1_900_000_000, 0)

// party is one end: who it is, what it shares with the other, and the
// prekeys that it still has.
type party struct {
	vectors.Person
	session.Session
	prekeys []crypto.PrekeyPrivate
}

func newParty(p vectors.Person) *party {
	return &party{Person: p, prekeys: []crypto.PrekeyPrivate{p.Signed, p.OneTime}}
}

func (d *party) local() session.Local { return session.Local{Certificate: d.Certificate, Box: d.Box} }

// bundle is what the relay hands out about the device.
func (d *party) bundle(oneTime bool) session.Bundle {
	b := session.Bundle{Certificate: d.Certificate, Signed: d.Sign(d.Signed)}
	if oneTime {
		b.OneTime = d.Sign(d.OneTime)
	}
	return b
}

// Prekey implements session.Prekeys.
func (d *party) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, bool) {
	i := slices.IndexFunc(d.prekeys, func(k crypto.PrekeyPrivate) bool { return k.Kind == kind && k.ID == id })
	if i < 0 {
		return crypto.PrekeyPrivate{}, false
	}
	return d.prekeys[i], true
}

// asks begins a session with the other.
func (d *party) asks(t testing.TB, other *party, text string) []byte {
	t.Helper()
	data, next, err := d.Ask(d.local(), other.bundle(true), []byte(text), begun)
	if err != nil {
		t.Fatal(err)
	}
	d.Session = next
	return data
}

// joins opens a request and takes up its session.
func (d *party) joins(t testing.TB, data []byte, text string) session.Request {
	t.Helper()
	r, err := session.Answer(d.local(), d, data, begun)
	if err != nil || string(r.Text) != text {
		t.Fatalf("got %q, %v, want %q", r.Text, err, text)
	}
	d.Session = d.Join(d.local(), r)
	return r
}

func (d *party) seals(t testing.TB, text string) []byte {
	t.Helper()
	sealed, next, err := d.Seal([]byte(text), begun)
	if err != nil {
		t.Fatal(err)
	}
	d.Session = next
	return sealed
}

func (d *party) opens(t testing.TB, sealed []byte, text string) {
	t.Helper()
	o, next, err := d.Open(sealed, begun)
	if err != nil || string(o.Text) != text {
		t.Fatalf("got %q, %v, want %q", o.Text, err, text)
	}
	d.Session = next
}

// refuses demands ErrOpen itself, nothing beside it, and that no byte of the
// state has changed.
func (d *party) refuses(t testing.TB, what string, sealed []byte) {
	t.Helper()
	before := d.State()
	o, next, err := d.Open(sealed, begun)
	if err != session.ErrOpen || o.Text != nil || o.Skipped != 0 || next.Begun() {
		t.Errorf("%s: got %q, %v", what, o.Text, err)
	}
	if !bytes.Equal(before, d.State()) {
		t.Errorf("%s: the state has changed", what)
	}
}

func (d *party) refusesRequest(t testing.TB, what string, data []byte) {
	t.Helper()
	if r, err := session.Answer(d.local(), d, data, begun); err != session.ErrOpen || r.Text != nil || !r.Certificate.IsZero() {
		t.Errorf("%s: got %q, %v", what, r.Text, err)
	}
}

// talking are alice and bob after she has asked and he has answered.
func talking(t testing.TB) (alice, bob *party) {
	t.Helper()
	alice, bob = newParty(vectors.Alice()), newParty(vectors.Bob())
	bob.joins(t, alice.asks(t, bob, "may I?"), "may I?")
	alice.opens(t, bob.seals(t, "yes"), "yes")
	return alice, bob
}

// numbers is a source that is the same in every run.
func numbers(side byte) *source.Source {
	n := &vectors.Numbers{Side: side}
	return &source.Source{Box: n.Box, KEM: n.KEM, Encapsulate: n.Encapsulate, Salt: n.Salt}
}

func pad(text string) []byte { return padding.Pad([]byte(text)) }
