package relay_test

import (
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// TestAttackLoginProofs tries every way to log in as somebody without their key. All
// get the same answer and nothing else.
func TestAttackLoginProofs(t *testing.T) {
	w := newWorld(t, func(c *relay.Config) { c.Hosts = []string{host} })
	alice, bob := w.register("alice"), w.register("bob")
	caught := w.dial()
	caught.person = alice
	replayed := caught.proof(expect[*protocol.Challenge](caught))
	caught.authenticate(replayed)
	expect[*protocol.Authenticated](caught)
	expect[*protocol.PrekeyStock](caught)

	for name, attack := range map[string]func(c *peer, l crypto.Login) protocol.Frame{
		"another key": func(_ *peer, l crypto.Login) protocol.Frame { return authenticate(l, bob.device) },
		"own key under another name": func(_ *peer, l crypto.Login) protocol.Frame {
			l.Address = bob.addr()
			return authenticate(l, alice.device)
		},
		"replay": func(*peer, crypto.Login) protocol.Frame { return authenticate(replayed, alice.device) },
		"another host": func(_ *peer, l crypto.Login) protocol.Frame {
			l.Host = "evil.example.org"
			return authenticate(l, alice.device)
		},
		"signed for another host": func(_ *peer, l crypto.Login) protocol.Frame {
			good := l
			l.Host = "evil.example.org"
			f := authenticate(l, alice.device)
			f.Host = good.Host
			return f
		},
		"another relay": func(_ *peer, l crypto.Login) protocol.Frame {
			l.Relay = crypto.NewRelayPrivate().Public()
			return authenticate(l, alice.device)
		},
		"another certificate": func(_ *peer, l crypto.Login) protocol.Frame {
			l.Certificate = bob.cert.Hash()
			return authenticate(l, alice.device)
		},
		"another device": func(_ *peer, l crypto.Login) protocol.Frame {
			l.Address.Device = crypto.NewDeviceID()
			return authenticate(l, alice.device)
		},
		"another device in the frame alone": func(_ *peer, l crypto.Login) protocol.Frame {
			f := authenticate(l, alice.device)
			f.Address.Device = crypto.NewDeviceID()
			return f
		},
		"nobody": func(_ *peer, l crypto.Login) protocol.Frame {
			l.Address.User = "nobody"
			return authenticate(l, alice.device)
		},
		"own nonce": func(_ *peer, l crypto.Login) protocol.Frame {
			l.RelayNonce = crypto.NewNonce()
			return authenticate(l, alice.device)
		},
		"nonce changed after signing": func(_ *peer, l crypto.Login) protocol.Frame {
			f := authenticate(l, alice.device)
			f.Nonce = crypto.NewNonce()
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := w.dial()
			c.t, c.person = t, alice
			c.send(attack(c, c.proof(expect[*protocol.Challenge](c))))
			if f := c.expectError(protocol.CodeBadProof); f.ID != nil || f.Recipient != nil {
				t.Error("the answer says more than it should")
			}
			c.expectClose(websocket.ClosePolicyViolation)
		})
	}
	// None of them has disturbed the real one.
	caught.ack(1)
	caught.expectError(protocol.CodeBadFrame)
}

func authenticate(l crypto.Login, key crypto.DevicePrivate) *protocol.Authenticate {
	return &protocol.Authenticate{Address: l.Address, Host: l.Host, Nonce: l.ClientNonce, Signature: l.Sign(key)}
}

func TestBeforeLogin(t *testing.T) {
	w := newWorld(t)
	bob := w.register("bob")
	for name, text := range map[string]string{
		"a frame":      string(protocol.Encode(&protocol.Ack{Seq: 1})),
		"a request":    string(protocol.Encode(&protocol.ConnectRequest{ID: crypto.NewMessageID(), Target: bob.addr(), Data: []byte("x")})),
		"new prekeys":  string(protocol.Encode(&protocol.PublishPrekeys{ID: crypto.NewMessageID(), Signed: bob.prekey(crypto.PrekeySigned, 2).Raw()})),
		"a look-up":    string(protocol.Encode(&protocol.FetchPrekeys{ID: crypto.NewMessageID(), Target: "bob"})),
		"an unknown":   `{"type":"hello"}`,
		"no JSON":      "hello",
		"nothing":      "",
		"half a proof": `{"type":"authenticate","host":"x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			c := w.dial()
			c.t = t
			expect[*protocol.Challenge](c)
			c.write(text)
			c.write(string(protocol.Encode(&protocol.Ack{Seq: 1}))) // not looked at
			c.expectError(protocol.CodeNotYet)
			c.expectClose(websocket.ClosePolicyViolation)
		})
	}
	c := w.dial()
	expect[*protocol.Challenge](c)
	c.write(strings.Repeat("x", protocol.MaxLoginFrame+1))
	c.expectClose(websocket.CloseMessageTooBig)

	c = w.dial()
	expect[*protocol.Challenge](c)
	if err := c.ws.WriteMessage(websocket.BinaryMessage, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	c.expectClose(websocket.CloseUnsupportedData)
	b, stock := w.loginStock(bob)
	if stock.Signed != 1 {
		t.Errorf("the signed prekey is %d", stock.Signed)
	}
	b.ack(1) // nothing has reached bob, and nothing his prekeys
	b.expectError(protocol.CodeBadFrame)
}

func TestSecondAuthenticate(t *testing.T) {
	w := newWorld(t)
	alice := w.register("alice")
	c := w.dial()
	c.person = alice
	proof := c.proof(expect[*protocol.Challenge](c))
	c.authenticate(proof)
	expect[*protocol.Authenticated](c)
	expect[*protocol.PrekeyStock](c)
	c.authenticate(proof)
	c.expectError(protocol.CodeAlready)
	c.send(&protocol.Block{ID: crypto.NewMessageID(), Target: "nobody"})
	c.expectError(protocol.CodeUnknownUser)
}
