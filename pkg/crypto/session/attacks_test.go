package session_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/handshake"
	"secure-messaging/pkg/crypto/internal/source"
	"secure-messaging/pkg/crypto/padding"
	"secure-messaging/pkg/crypto/seal"
	"secure-messaging/pkg/crypto/session"
)

func TestConversation(t *testing.T) {
	alice, bob := talking(t)
	for _, text := range []string{"", "hi", string(bytes.Repeat([]byte("long "), 8000))} {
		bob.opens(t, alice.seals(t, text), text)
		alice.opens(t, bob.seals(t, text), text)
	}
}

// The relay, or anyone between, hands a message to the wrong party, back to
// its author, or in the place of a request.
func TestAttackMisdelivery(t *testing.T) {
	alice, bob := talking(t)
	mallory := newParty(vectors.Mallory())
	other := newParty(vectors.Alice()) // alice's session with mallory
	mallory.joins(t, other.asks(t, mallory, "you too"), "you too")
	request := mallory.asks(t, bob, "and me")
	sealed := alice.seals(t, "hi")
	alice.refuses(t, "sent back to its author", sealed)
	mallory.refuses(t, "handed to another", sealed)
	bob.refusesRequest(t, "a message as a request", sealed)
	bob.refuses(t, "a request as a message", request)
	bob.refuses(t, "another's as alice's", mallory.seals(t, "hi"))
	mallory.refusesRequest(t, "a request sent back to its author", request)
	alice.refusesRequest(t, "a request handed to another", request)
	bob.opens(t, sealed, "hi")
}

func TestAttackReplayedMessage(t *testing.T) {
	alice, bob := talking(t)
	var copies [][]byte
	for i := range 20 {
		text := fmt.Sprint(i)
		late, sealed := alice.seals(t, text), alice.seals(t, text)
		bob.opens(t, sealed, text)
		bob.opens(t, late, text)
		copies = append(copies, late, sealed)
		alice.opens(t, bob.seals(t, text), text)
		for _, b := range copies {
			bob.refuses(t, "a copy", b)
		}
	}
}

// A request that the relay keeps is dead once its one-time prekey is gone;
// without one its ephemeral key tells it.
func TestAttackReplayedRequest(t *testing.T) {
	alice, bob := newParty(vectors.Alice()), newParty(vectors.Bob())
	data := alice.asks(t, bob, "hi")
	r := bob.joins(t, data, "hi")
	if r.OneTime != bob.OneTime.ID || r.Signed != bob.Signed.ID {
		t.Errorf("it names prekeys %d and %d", r.Signed, r.OneTime)
	}
	bob.prekeys = bob.prekeys[:1]
	bob.refusesRequest(t, "a copy", data)
	bob.refuses(t, "its copy as a message", data)

	data, _, err := alice.Ask(alice.local(), bob.bundle(false), []byte("again"), begun)
	if err != nil {
		t.Fatal(err)
	}
	r = bob.joins(t, data, "again")
	signed, ephemeral, ok := session.EphemeralOf(data)
	if !ok || signed != r.Signed || ephemeral != r.Ephemeral || r.OneTime != 0 {
		t.Error("nothing tells the copy of a request without a one-time prekey")
	}
}

// Every byte of a request and of a message is bound, and every length.
func TestAttackAltered(t *testing.T) {
	alice, bob := newParty(vectors.Alice()), newParty(vectors.Bob())
	for _, oneTime := range []bool{true, false} {
		data, next, err := alice.Ask(alice.local(), bob.bundle(oneTime), []byte("hi"), begun)
		if err != nil {
			t.Fatal(err)
		}
		alice.Session = next
		altered(data, func(what string, b []byte) { bob.refusesRequest(t, "request "+what, b) })
		bob.joins(t, data, "hi")
	}
	sealed := bob.seals(t, "hi")
	altered(sealed, func(what string, b []byte) { alice.refuses(t, "message "+what, b) })
	alice.opens(t, sealed, "hi")
}

// altered makes every change of one byte, of one bit and of the highest, and
// every other length.
func altered(data []byte, try func(what string, b []byte)) {
	for i := range data {
		for _, bit := range []byte{1 << (i % 8), 0x80} {
			b := bytes.Clone(data)
			b[i] ^= bit
			try(fmt.Sprintf("with bit %02x of byte %d flipped", bit, i), b)
		}
		try(fmt.Sprintf("cut to %d bytes", i), data[:i])
	}
	try("a byte longer", append(bytes.Clone(data), 0))
}

// A contact can seal any bytes. Those that no honest client pads are refused
// like a forgery, and what comes after them opens.
func TestAttackBadPaddingOfAContact(t *testing.T) {
	alice, bob := talking(t)
	mallory := newParty(vectors.Mallory())
	stray := padding.Pad([]byte("hi"))
	stray[255] = 1
	for name, padded := range map[string][]byte{
		"empty": {}, "unpadded": []byte("hi"), "no bucket": make([]byte, 300), "stray byte": stray, "length beyond": bytes.Repeat([]byte{0xff}, 256),
	} {
		sealed, next, err := session.SealRaw(alice.Session, padded, begun)
		if err != nil {
			t.Fatal(err)
		}
		alice.Session = next
		bob.refuses(t, name, sealed)
		data, _, err := session.AskFrom(session.Session{}, mallory.local(), bob.bundle(true), padded, begun, source.System)
		if err != nil {
			t.Fatal(err)
		}
		bob.refusesRequest(t, name, data)
	}
	bob.opens(t, alice.seals(t, "honest"), "honest")
}

// Once bob has joined, his state opens no more than it must: the secret of the
// signed prekey, which opens the first chain, is not in it.
func TestAttackStateAfterJoining(t *testing.T) {
	alice, bob := newParty(vectors.Alice()), newParty(vectors.Bob())
	bob.joins(t, alice.asks(t, bob, "hi"), "hi")
	if bytes.Contains(bob.State(), bob.Signed.Box.Bytes()) {
		t.Error("the signed prekey outlives its deletion in the session")
	}
	sealed := alice.seals(t, "goes on")
	bob.opens(t, sealed, "goes on")
	alice.opens(t, bob.seals(t, "yes"), "yes")
}

// Nobody is asked who is refused as a peer.
func TestAsksNoneButPeers(t *testing.T) {
	bob, old := newParty(vectors.Bob()), vectors.Alice()
	old.Certificate.Version = 0
	old.Certificate = crypto.NewCertificate(old.Account, old.Certificate)
	for name, tt := range map[string]struct {
		asked vectors.Person
		want  error
	}{
		"oneself":       {vectors.Bob(), session.ErrSelf},
		"an old device": {old, session.ErrVersion},
		"elsewhere":     {vectors.NewPerson("carol", vectors.OtherRelay(), 0xc1), handshake.ErrBundle},
	} {
		data, next, err := bob.Ask(bob.local(), newParty(tt.asked).bundle(true), nil, begun)
		if err != tt.want || data != nil || next.Begun() {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
}

// A device that is put back to an older copy of its state and seals other
// texts gives none away: key and nonce are never used twice.
func TestAttackOldState(t *testing.T) {
	alice, bob := talking(t)
	bob.opens(t, alice.seals(t, "begins a chain"), "begins a chain")
	seen := map[string]bool{}
	zeros := padding.Pad(nil) // under zeros a box shows the keystream
	snapshot := alice.State()
	for range 50 {
		old, err := session.Restore(snapshot)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			var sealed []byte
			if sealed, old, err = session.SealRaw(old, zeros, begun); err != nil {
				t.Fatal(err)
			}
			keystream := string(sealed[len(sealed)-len(zeros):])
			if seen[keystream] {
				t.Fatal("a key and nonce came twice")
			}
			seen[keystream] = true
		}
	}
}

// The length of a text shows in steps alone, and no message costs more than
// 450 bytes above its text.
func TestLengthIsHidden(t *testing.T) {
	alice, bob := talking(t)
	bob.opens(t, alice.seals(t, "begins a chain"), "begins a chain")
	const header = 67
	for n, want := range map[int]int{0: 256, 1: 256, 100: 256, 252: 256, 253: 512, 256: 512, 508: 512} {
		got := len(alice.seals(t, string(make([]byte, n))))
		if got != header+want+seal.Overhead {
			t.Errorf("%d bytes are sealed to %d", n, got)
		}
		if n == 256 && got-n > 450 {
			t.Errorf("%d bytes of overhead", got-n)
		}
	}
}

func TestStateRefuses(t *testing.T) {
	alice, _ := talking(t)
	good := alice.State()
	for i := range good {
		if s, err := session.Restore(good[:i]); (err != session.ErrState) != (i == 0 || i == 2) || (err != nil) == s.Begun() && i > 2 {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	many := bytes.Clone(good)
	for range session.MaxSessions {
		many = append(many, good[2:]...)
	}
	for name, b := range map[string][]byte{
		"before the ratchet": {0}, "a later version": append([]byte{2}, good[1:]...), "unknown flag": append([]byte{1, 2}, good[2:]...),
		"a byte longer": append(bytes.Clone(good), 0), "too many": many,
	} {
		if _, err := session.Restore(b); err != session.ErrState {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, err := session.Restore(nil); err != nil || s.Begun() {
		t.Errorf("nothing: %v", err)
	}
	if _, _, err := (session.Session{}).Seal(nil, time.Time{}); err != session.ErrNone {
		t.Errorf("sealed in no session: %v", err)
	}
}
