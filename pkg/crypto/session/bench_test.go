package session_test

import (
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto/session"
)

// text is a content of 256 bytes.
var text = make([]byte, 256)

// wire reports what a pair costs on the wire, before base64.
func wire(b *testing.B, sealed int) {
	b.ReportMetric(float64(sealed)/float64(b.N), "wire-B/op")
	b.ReportMetric(float64(sealed)/float64(b.N)-float64(len(text)), "overhead-B/op")
}

// say seals at one end and opens at the other, and gives the size.
func say(b *testing.B, from, to *party, now time.Time) int {
	sealed, next, err := from.Seal(text, now)
	if err != nil {
		b.Fatal(err)
	}
	from.Session = next
	if _, to.Session, err = to.Open(sealed, now); err != nil {
		b.Fatal(err)
	}
	return len(sealed)
}

// A message in the chain of the one before.
func BenchmarkPlain(b *testing.B) {
	alice, bob := talking(b)
	say(b, alice, bob, begun)
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		size += say(b, alice, bob, begun)
	}
	wire(b, size)
}

// Each message answers the one before, so that each begins a chain. One in
// about twenty carries an offer, and the next the answer.
func BenchmarkPingPong(b *testing.B) {
	alice, bob := talking(b)
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		size += say(b, alice, bob, begun)
		alice, bob = bob, alice
	}
	wire(b, size)
}

// Two messages, an offer and its answer; the figures are for both.
func BenchmarkKEMStep(b *testing.B) {
	alice, bob := talking(b)
	now := begun
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		now = now.Add(time.Hour)
		size += say(b, alice, bob, now)
		size += say(b, bob, alice, now)
	}
	b.ReportMetric(float64(size)/float64(b.N), "wire-B/op")
	b.ReportMetric(float64(size)/float64(b.N)-2*float64(len(text)), "overhead-B/op")
}

func BenchmarkHandshake(b *testing.B) {
	for name, oneTime := range map[string]bool{"one-time": true, "signed-only": false} {
		b.Run(name, func(b *testing.B) {
			alice, bob := newParty(vectors.Alice()), newParty(vectors.Bob())
			local, bundle := alice.local(), bob.bundle(oneTime)
			b.ReportAllocs()
			size := 0
			for b.Loop() {
				data, _, err := session.Session{}.Ask(local, bundle, text, begun)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := session.Answer(bob.local(), bob, data, begun); err != nil {
					b.Fatal(err)
				}
				size += len(data)
			}
			wire(b, size)
		})
	}
}

// What a commit writes besides the message.
func BenchmarkState(b *testing.B) {
	alice, bob := talking(b)
	say(b, alice, bob, begun)
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		state := alice.State()
		if _, err := session.Restore(state); err != nil {
			b.Fatal(err)
		}
		size += len(state)
	}
	b.ReportMetric(float64(size)/float64(b.N), "state-B/op")
}
