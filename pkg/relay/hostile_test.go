package relay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// malformed holds frames that the decoder must refuse, by what is wrong.
func malformed(to crypto.Address) map[string]string {
	id := crypto.NewMessageID().String()
	message := fmt.Sprintf(`{"type":"encrypted_message","id":"%s","recipients":["%s"],"encryptedData":["eHg"]}`, id, to)
	return map[string]string{
		"nothing":           ``,
		"space":             ` `,
		"a word":            `hello`,
		"null":              `null`,
		"a list":            `[]`,
		"no type":           `{}`,
		"type not first":    `{"seq":1,"type":"ack"}`,
		"type a number":     `{"type":7}`,
		"unknown type":      `{"type":"launch"}`,
		"a frame of relays": `{"type":"authenticated"}`,
		"cut off":           message[:len(message)-1],
		"two frames":        message + message,
		"NUL behind":        message + "\x00",
		"bad UTF-8":         "{\"type\":\"ack\",\"seq\":\"\xff\"}",
		"a lone surrogate":  `{"type":"ack","seq":"\ud800"}`,
		"doubled member":    `{"type":"ack","seq":1,"seq":2}`,
		"doubled type":      `{"type":"ack","type":"ack","seq":1}`,
		"wrong case":        `{"type":"ack","Seq":1}`,
		"wrong case type":   `{"Type":"ack","seq":1}`,
		"unknown member":    `{"type":"ack","seq":1,"x":1}`,
		"missing member":    `{"type":"ack"}`,
		"null member":       `{"type":"ack","seq":null}`,
		"a negative number": `{"type":"ack","seq":-1}`,
		"a fraction":        `{"type":"ack","seq":1.5}`,
		"a huge number":     `{"type":"ack","seq":1e99}`,
		"a number as text":  `{"type":"ack","seq":"1"}`,
		"id of zeros":       strings.Replace(message, id, strings.Repeat("0", 32), 1),
		"id in upper case":  strings.Replace(message, id, strings.Repeat("A", 32), 1),
		"padded base64":     strings.Replace(message, "eHg", "eHg=", 1),
		"bad base64":        strings.Replace(message, "eHg", "e*g", 1),
		"stray bits":        strings.Replace(message, "eHg", "eHh", 1),
		"empty data":        strings.Replace(message, "eHg", "", 1),
		"no recipients":     `{"type":"encrypted_message","id":"` + id + `","recipients":[],"encryptedData":[]}`,
		"unequal lists":     strings.Replace(message, `["eHg"]`, `["eHg","eHg"]`, 1),
		"recipient twice":   strings.Replace(strings.Replace(message, `["eHg"]`, `["eHg","eHg"]`, 1), `"]`, `","`+to.String()+`"]`, 1),
		"a bad address":     strings.Replace(message, to.String(), "bob", 1),
		"data too large":    strings.Replace(message, "eHg", strings.Repeat("A", 350_000), 1),
		"deep":              strings.Repeat(`{"type":`, 5000),
		"deep lists":        `{"type":"ack","seq":` + strings.Repeat("[", 100_000),
	}
}

// TestMalformed sends every malformed frame. Each is answered by an error, the
// connection lives, and a neighbour notices nothing.
func TestMalformed(t *testing.T) {
	w := newWorld(t)
	alice, bob, mallory := w.register("alice"), w.register("bob"), w.register("mallory")
	w.befriend(alice, bob)
	a, b := w.login(alice), w.online(bob)
	for name, text := range malformed(bob.addr()) {
		m := w.login(mallory)
		for range protocol.MaxBadFrames - 1 {
			m.write(text)
			f := expect[*protocol.Error](m)
			switch f.Code {
			case protocol.CodeBadFrame, protocol.CodeUnknownType, protocol.CodeTooLarge:
			default:
				t.Fatalf("%s: answered by %s", name, f.Code)
			}
			if f.ID != nil || strings.Contains(f.Message, "bob") {
				t.Fatalf("%s: the answer repeats the input: %s", name, protocol.Encode(f))
			}
		}
		m.refused(m.request(mallory), nil, protocol.CodeSelf) // it lives
		m.write(text)
		expect[*protocol.Error](m)
		m.expectClose(websocket.ClosePolicyViolation)

		id := a.message("hello", bob)
		f := expect[*protocol.EncryptedMessage](b)
		if f.ID != id {
			t.Fatalf("%s: a neighbour's message has changed", name)
		}
		b.ack(f.Seq)
		delivered(a, bob, id)
	}
	if n := w.relay.Snapshot()[relay.CountMalformed]; n != uint64(len(malformed(bob.addr()))) {
		t.Errorf("%d connections were closed", n)
	}
}

// TestUnwelcomeMessages sends what is no text message of a proper size.
func TestUnwelcomeMessages(t *testing.T) {
	w := newWorld(t)
	mallory := w.register("mallory")
	m := w.login(mallory)
	m.ws.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ack","seq":1}`))
	m.expectClose(websocket.CloseUnsupportedData)
	m = w.login(mallory)
	m.ws.WriteMessage(websocket.TextMessage, make([]byte, protocol.MaxFrame+1))
	m.expectClose(websocket.CloseMessageTooBig)

	for name, raw := range map[string][]byte{
		"unmasked frame":   {0x81, 0x01, 'x'},
		"reserved bits":    {0xf1, 0x80, 0, 0, 0, 0},
		"unknown opcode":   {0x83, 0x80, 0, 0, 0, 0},
		"long control":     {0x89, 0xfe, 0, 126, 0, 0, 0, 0},
		"continuation":     {0x80, 0x80, 0, 0, 0, 0},
		"negative length":  {0x81, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
		"half a frame":     {0x81, 0x90, 0, 0},
		"no WebSocket":     []byte("GET / HTTP/1.1\r\n\r\n"),
		"close code 1":     {0x88, 0x82, 0, 0, 0, 0, 0, 1},
		"close, half code": {0x88, 0x81, 0, 0, 0, 0, 0},
	} {
		m := w.login(mallory)
		if _, err := m.ws.NetConn().Write(raw); err != nil {
			t.Fatal(err)
		}
		if name == "half a frame" {
			m.ws.Close()
			continue
		}
		if f, err := m.read(); err == nil {
			t.Errorf("%s: answered by %s", name, protocol.Encode(f))
		}
		m.ws.Close()
	}
	m = w.login(mallory)
	m.refused(m.request(mallory), nil, protocol.CodeSelf)
}

// TestFragments: a frame may come in many pieces, with pings in between.
func TestFragments(t *testing.T) {
	w := newWorld(t)
	m := w.login(w.register("mallory"))
	f := &protocol.Block{ID: crypto.NewMessageID(), Target: "mallory"}
	out, err := m.ws.NextWriter(websocket.TextMessage)
	if err != nil {
		t.Fatal(err)
	}
	text := string(protocol.Encode(f)[:len(protocol.Encode(f))-1]) + strings.Repeat(" ", 9000) + "}"
	for len(text) > 0 {
		n := min(4000, len(text))
		if _, err := out.Write([]byte(text[:n])); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
		if err := m.ws.WriteControl(websocket.PingMessage, []byte("x"), noDeadline); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	m.refused(f.ID, nil, protocol.CodeSelf)
}
