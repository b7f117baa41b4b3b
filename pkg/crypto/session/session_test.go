package session_test

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/padding"
	"secure-messaging/pkg/crypto/seal"
	"secure-messaging/pkg/crypto/session"
)

func local(p vectors.Person) session.Local {
	return session.Local{Certificate: p.Certificate, Box: p.Box}
}

// between is the session that from has with to.
func between(t *testing.T, from, to vectors.Person) session.Session {
	t.Helper()
	s, err := session.New(local(from), to.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sealText(t *testing.T, s session.Session, text string) []byte {
	t.Helper()
	sealed, _, err := s.Seal([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

// refuses demands ErrOpen itself: one answer for every reason.
func refuses(t *testing.T, what string, s session.Session, sealed []byte) {
	t.Helper()
	text, next, err := s.Open(sealed)
	if err != session.ErrOpen || text != nil || next != nil {
		t.Errorf("%s: got %q, %v", what, text, err)
	}
}

func opens(t *testing.T, s session.Session, sealed []byte, want string) session.Session {
	t.Helper()
	text, next, err := s.Open(sealed)
	if err != nil || string(text) != want {
		t.Fatalf("got %q, %v", text, err)
	}
	return next
}

func TestConversation(t *testing.T) {
	alice, bob := between(t, vectors.Alice(), vectors.Bob()), between(t, vectors.Bob(), vectors.Alice())
	for _, text := range []string{"", "hi", string(bytes.Repeat([]byte("long "), 8000))} {
		bob = opens(t, bob, sealText(t, alice, text), text)
		alice = opens(t, alice, sealText(t, bob, text), text)
	}
}

func TestRestore(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	sealed := sealText(t, between(t, alice, bob), "hi")
	restored, err := session.Restore(local(bob), alice.Certificate, between(t, bob, alice).State())
	if err != nil {
		t.Fatal(err)
	}
	opens(t, restored, sealed, "hi")
	for _, state := range [][]byte{nil, {}, {1}, {0, 0}, {0xff}} {
		if _, err := session.Restore(local(bob), alice.Certificate, state); err != session.ErrState {
			t.Errorf("state %x: %v", state, err)
		}
	}
}

// The relay, or anyone between, hands a message to the wrong party or under
// the wrong name.
func TestMisdelivery(t *testing.T) {
	alice, bob, mallory := vectors.Alice(), vectors.Bob(), vectors.Mallory()
	sealed := sealText(t, between(t, alice, bob), "hi")
	refuses(t, "sent back to its author", between(t, alice, bob), sealed)
	refuses(t, "handed to another recipient", between(t, mallory, alice), sealed)
	refuses(t, "shown as another sender's", between(t, bob, mallory), sealed)
	refuses(t, "another's message shown as alice's", between(t, bob, alice), sealText(t, between(t, mallory, bob), "hi"))
}

// Anyone can certify any name and any public key with an account key of their
// own. The relay may help.
func TestSelfMadeCertificates(t *testing.T) {
	alice, bob, mallory := vectors.Alice(), vectors.Bob(), vectors.Mallory()
	certify := func(name crypto.Username, device crypto.DeviceID, box crypto.BoxPublic) crypto.Certificate {
		c := mallory.Certificate
		c.User, c.Device, c.Box = name, device, box
		return crypto.NewCertificate(mallory.Account, c)
	}
	posing := mallory
	posing.Certificate = certify("alice", alice.Certificate.Device, mallory.Box.Public())
	refuses(t, "self-made certificate with alice's name and device", between(t, bob, alice), sealText(t, between(t, posing, bob), "hi"))

	// Unknown key share: mallory certifies bob's box key as hers, so that a
	// message to her could be handed to bob.
	holder := mallory
	holder.Certificate = certify("mallory", mallory.Certificate.Device, bob.Box.Public())
	refuses(t, "message to mallory under bob's key", between(t, bob, alice), sealText(t, between(t, alice, holder), "hi"))

	// And alice's key, so that alice's messages could be shown as hers.
	holder.Certificate = certify("mallory", mallory.Certificate.Device, alice.Box.Public())
	refuses(t, "message of alice under mallory's name", between(t, bob, holder), sealText(t, between(t, alice, bob), "hi"))
}

// A certificate that ties the same keys but says anything else (here its
// version) is another certificate.
func TestCertificateSwap(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	renew := func(p vectors.Person) vectors.Person {
		p.Certificate.Version++
		p.Certificate = crypto.NewCertificate(p.Account, p.Certificate)
		return p
	}
	sealed := sealText(t, between(t, alice, bob), "hi")
	refuses(t, "sender's certificate swapped", between(t, bob, renew(alice)), sealed)
	refuses(t, "recipient's certificate swapped", between(t, renew(bob), alice), sealed)
}

func TestAltered(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	toBob, ofBob := between(t, alice, bob), between(t, bob, alice)
	sealed := sealText(t, toBob, "hi")
	for i := range sealed {
		b := bytes.Clone(sealed)
		b[i] ^= 1 << (i % 8)
		refuses(t, "a bit flipped", ofBob, b)
		b[i] = sealed[i] ^ 0x80 // the bit that X25519 ignores
		refuses(t, "the highest bit flipped", ofBob, b)
		refuses(t, "truncated", ofBob, sealed[:i])
	}
	refuses(t, "longer", ofBob, append(bytes.Clone(sealed), 0))
	refuses(t, "nothing", ofBob, nil)
	for version := 1; version < 256; version++ {
		b := bytes.Clone(sealed)
		b[0] = byte(version)
		refuses(t, "another version", ofBob, b)
	}
	other := sealText(t, toBob, "ho")
	refuses(t, "the box of one behind the key of another", ofBob, slices.Concat(sealed[:33], other[33:]))
	opens(t, ofBob, sealed, "hi")
}

// Under a low-order ephemeral key the agreement would be known to everybody.
func TestLowOrderEphemeral(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	sealed := sealText(t, between(t, alice, bob), "hi")
	for _, point := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		p, err := hex.DecodeString(point)
		if err != nil {
			t.Fatal(err)
		}
		refuses(t, "ephemeral key "+point, between(t, bob, alice), slices.Concat(sealed[:1], p, sealed[33:]))
	}
}

// A contact can seal any bytes. Those that no honest client pads are refused
// like a forgery.
func TestBadPaddingOfAContact(t *testing.T) {
	alice, bob := between(t, vectors.Alice(), vectors.Bob()), between(t, vectors.Bob(), vectors.Alice())
	stray := padding.Pad([]byte("hi"))
	stray[255] = 1
	for name, padded := range map[string][]byte{
		"empty": {}, "unpadded": []byte("hi"), "no bucket": make([]byte, 300), "stray byte": stray, "length beyond": bytes.Repeat([]byte{0xff}, 256),
	} {
		sealed, err := session.SealRaw(alice, padded)
		if err != nil {
			t.Fatal(err)
		}
		refuses(t, name, bob, sealed)
	}
}

// No message of a session shares its ephemeral key, and so its key and nonce,
// with another, even if the text is the same.
func TestEveryMessageHasItsOwnKey(t *testing.T) {
	alice := between(t, vectors.Alice(), vectors.Bob())
	seen := map[string]bool{}
	for range 200 {
		sealed := sealText(t, alice, "hi")
		for _, part := range [][]byte{sealed[1:33], sealed[33:]} {
			if seen[string(part)] {
				t.Fatal("an ephemeral key or a box came twice")
			}
			seen[string(part)] = true
		}
	}
}

func TestLengthIsHidden(t *testing.T) {
	alice := between(t, vectors.Alice(), vectors.Bob())
	for _, n := range []int{0, 1, 100, 252} {
		if got := len(sealText(t, alice, string(make([]byte, n)))); got != 1+32+256+seal.Overhead {
			t.Errorf("%d bytes are sealed to %d", n, got)
		}
	}
}

// The documented limit: the envelope has no memory, so a copy opens again.
// The client knows copies by the message id.
func TestCopyOpensAgain(t *testing.T) {
	bob := between(t, vectors.Bob(), vectors.Alice())
	sealed := sealText(t, between(t, vectors.Alice(), vectors.Bob()), "hi")
	opens(t, opens(t, bob, sealed, "hi"), sealed, "hi")
}

func TestNewRefuses(t *testing.T) {
	alice, bob := vectors.Alice(), vectors.Bob()
	certify := func(p vectors.Person, change func(*crypto.Certificate)) crypto.Certificate {
		c := p.Certificate
		change(&c)
		return crypto.NewCertificate(p.Account, c)
	}
	second := certify(alice, func(c *crypto.Certificate) {
		c.Device, c.Login, c.Box = crypto.DeviceID{9}, crypto.NewDevicePrivate().Public(), crypto.NewBoxPrivate().Public()
	})
	for name, tt := range map[string]struct {
		local session.Local
		peer  crypto.Certificate
		self  bool
	}{
		"own certificate":              {local(alice), alice.Certificate, true},
		"own account, other device":    {local(alice), second, true},
		"own box key":                  {local(alice), certify(bob, func(c *crypto.Certificate) { c.Box = alice.Box.Public() }), true},
		"own device key":               {local(alice), certify(bob, func(c *crypto.Certificate) { c.Login = alice.Device.Public() }), true},
		"no peer":                      {local(alice), crypto.Certificate{}, false},
		"no certificate":               {session.Local{Box: alice.Box}, bob.Certificate, false},
		"box key of somebody else":     {session.Local{Certificate: alice.Certificate, Box: bob.Box}, bob.Certificate, false},
		"peer registered at elsewhere": {local(alice), vectors.NewPerson("bob", vectors.OtherRelay(), 0xb1).Certificate, false},
	} {
		s, err := session.New(tt.local, tt.peer)
		if err == nil || s != nil || (err == session.ErrSelf) != tt.self {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzOpen knows one message that opens, the first of the vectors; whatever
// else is made of it must not.
func FuzzOpen(f *testing.F) {
	vectors.Seeds(f, 6)
	ofBob, err := session.New(local(vectors.Bob()), vectors.Alice().Certificate)
	if err != nil {
		f.Fatal(err)
	}
	var file envelopeFile
	vectors.Read(f, "envelope.json", &file)
	want := file.Messages[0]
	f.Fuzz(func(t *testing.T, b []byte) {
		text, _, err := ofBob.Open(b)
		switch {
		case crypto.Base64(b) == want.Sealed:
			if err != nil || string(text) != want.Text {
				t.Errorf("the message does not open: %v", err)
			}
		case err != session.ErrOpen:
			t.Errorf("opened %q, %v", text, err)
		}
	})
}
