package crosscheck_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os/exec"
	"testing"
	"time"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/session"
)

// device is one side of a conversation, in either language. What it refuses
// leaves it as it was.
type device interface {
	name() string
	bundle() session.Bundle
	ask(to session.Bundle, content string, now time.Time) (data []byte)
	join(data []byte, now time.Time) (content string, asker crypto.Certificate, ok bool)
	seal(content string, now time.Time) (data []byte)
	open(data []byte, now time.Time) (content string, skipped int, ok bool)
}

// goDevice is production code over the system's randomness.
type goDevice struct {
	t               *testing.T
	certificate     crypto.Certificate
	box             crypto.BoxPrivate
	signed, oneTime crypto.PrekeyPrivate
	login           crypto.DevicePrivate
	session         session.Session
	seen            map[crypto.BoxPublic]bool // ephemeral keys of requests
	used            bool                      // the one-time prekey
}

func newGoDevice(t *testing.T, now time.Time) *goDevice {
	d := &goDevice{
		t: t, seen: map[crypto.BoxPublic]bool{}, box: crypto.NewBoxPrivate(), login: crypto.NewDevicePrivate(),
		signed: crypto.NewPrekey(crypto.PrekeySigned, 1, now), oneTime: crypto.NewPrekey(crypto.PrekeyOneTime, 2, now),
	}
	d.certificate = crypto.NewCertificate(crypto.NewAccountPrivate(), crypto.Certificate{
		Relay: vectors.Relay().Public(), User: "gopher", Device: crypto.DeviceID{1},
		Login: d.login.Public(), Box: d.box.Public(), Version: crypto.EndToEndVersion, Created: now,
	})
	return d
}

func (d *goDevice) name() string { return "go" }

func (d *goDevice) local() session.Local {
	return session.Local{Certificate: d.certificate, Box: d.box}
}

// Prekey finds the secrets of prekeys; a one-time key is there until used.
func (d *goDevice) Prekey(kind crypto.PrekeyKind, id crypto.PrekeyID) (crypto.PrekeyPrivate, bool) {
	switch {
	case kind == d.signed.Kind && id == d.signed.ID:
		return d.signed, true
	case kind == d.oneTime.Kind && id == d.oneTime.ID:
		return d.oneTime, !d.used
	}
	return crypto.PrekeyPrivate{}, false
}

func (d *goDevice) bundle() session.Bundle {
	return session.Bundle{Certificate: d.certificate, Signed: d.signed.Sign(d.certificate, d.login), OneTime: d.oneTime.Sign(d.certificate, d.login)}
}

func (d *goDevice) ask(to session.Bundle, content string, now time.Time) []byte {
	d.t.Helper()
	data, next, err := d.session.Ask(d.local(), to, []byte(content), now)
	if err != nil {
		d.t.Fatal(err)
	}
	d.session = next
	return data
}

func (d *goDevice) join(data []byte, now time.Time) (string, crypto.Certificate, bool) {
	r, err := session.Answer(d.local(), d, data, now)
	if err != nil {
		return "", crypto.Certificate{}, false
	}
	if d.seen[r.Ephemeral] {
		return "", crypto.Certificate{}, false
	}
	d.seen[r.Ephemeral] = true
	d.session = d.session.Join(d.local(), r)
	d.used = d.used || r.OneTime != 0
	return string(r.Text), r.Certificate, true
}

func (d *goDevice) seal(content string, now time.Time) []byte {
	d.t.Helper()
	data, next, err := d.session.Seal([]byte(content), now)
	if err != nil {
		d.t.Fatal(err)
	}
	d.session = next
	return data
}

func (d *goDevice) open(data []byte, now time.Time) (string, int, bool) {
	opened, next, err := d.session.Open(data, now)
	if err != nil {
		return "", 0, false
	}
	d.session = next
	return string(opened.Text), opened.Skipped, true
}

// jsDevice is the process of peer.js, which makes its own keys.
type jsDevice struct {
	t      *testing.T
	in     *json.Encoder
	out    *bufio.Scanner
	public session.Bundle
}

// jsAnswer is a line that the peer writes.
type jsAnswer struct {
	Refused     string             `json:"refused"`
	Certificate crypto.Certificate `json:"certificate,omitzero"`
	Signed      vectors.Bytes      `json:"signed"`
	OneTime     vectors.Bytes      `json:"oneTime"`
	Data        vectors.Bytes      `json:"data"`
	Content     string             `json:"content"`
	Skipped     int                `json:"skipped"`
}

func newJSDevice(t *testing.T, dir string, now time.Time) *jsDevice {
	t.Helper()
	peer := exec.Command("node", "peer.js", "talk")
	peer.Dir = dir
	in, err := peer.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := peer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	peer.Stderr = t.Output()
	if err := peer.Start(); err != nil {
		t.Fatal(err)
	}
	d := &jsDevice{t: t, in: json.NewEncoder(in), out: bufio.NewScanner(out)}
	t.Cleanup(func() { d.ends(in, peer) })
	made := d.tell(map[string]any{"do": "make", "relay": vectors.Relay().Public(), "name": "node", "at": now.Unix()})
	d.public.Certificate = made.Certificate
	for raw, prekey := range map[*vectors.Bytes]*crypto.Prekey{&made.Signed: &d.public.Signed, &made.OneTime: &d.public.OneTime} {
		if *prekey, err = crypto.ParsePrekey(*raw, made.Certificate); err != nil {
			t.Fatalf("a prekey of the peer: %v", err)
		}
	}
	return d
}

// ends closes the peer's input, upon which it ends by itself.
func (d *jsDevice) ends(in io.Closer, peer *exec.Cmd) {
	in.Close()
	if err := peer.Wait(); err != nil {
		d.t.Errorf("the peer ends with %v", err)
	}
}

func (d *jsDevice) tell(command map[string]any) (a jsAnswer) {
	d.t.Helper()
	if err := d.in.Encode(command); err != nil {
		d.t.Fatal(err)
	}
	if !d.out.Scan() {
		d.t.Fatalf("the peer has ended: %v", d.out.Err())
	}
	if err := json.Unmarshal(d.out.Bytes(), &a); err != nil {
		d.t.Fatal(err)
	}
	return a
}

// must is tell for what the peer may not refuse.
func (d *jsDevice) must(command map[string]any) jsAnswer {
	d.t.Helper()
	a := d.tell(command)
	if a.Refused != "" {
		d.t.Fatalf("the peer refuses to %s: %s", command["do"], a.Refused)
	}
	return a
}

func (d *jsDevice) name() string           { return "javascript" }
func (d *jsDevice) bundle() session.Bundle { return d.public }

func (d *jsDevice) ask(to session.Bundle, content string, now time.Time) []byte {
	d.t.Helper()
	return d.must(map[string]any{
		"do": "ask", "certificate": to.Certificate, "signed": vectors.Bytes(to.Signed.Raw()), "oneTime": vectors.Bytes(to.OneTime.Raw()),
		"content": content, "at": now.Unix(),
	}).Data
}

func (d *jsDevice) join(data []byte, now time.Time) (string, crypto.Certificate, bool) {
	d.t.Helper()
	a := d.tell(map[string]any{"do": "join", "data": vectors.Bytes(data), "at": now.Unix()})
	return a.Content, a.Certificate, a.Refused == ""
}

func (d *jsDevice) seal(content string, now time.Time) []byte {
	d.t.Helper()
	return d.must(map[string]any{"do": "seal", "content": content, "at": now.Unix()}).Data
}

func (d *jsDevice) open(data []byte, now time.Time) (string, int, bool) {
	d.t.Helper()
	a := d.tell(map[string]any{"do": "open", "data": vectors.Bytes(data), "at": now.Unix()})
	return a.Content, a.Skipped, a.Refused == ""
}
