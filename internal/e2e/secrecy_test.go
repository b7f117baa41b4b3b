//go:build unix

package e2e

import (
	"bytes"
	"encoding/base64"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// searchFor fails if any of the texts lies in a file below dir, as it is or in
// base64.
func searchFor(t *testing.T, dir string, texts []string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		searchIn(t, path, b, texts)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if files == 0 {
		t.Errorf("there is nothing in %s", dir)
	}
}

func searchIn(t *testing.T, where string, b []byte, texts []string) {
	t.Helper()
	for _, text := range texts {
		if found(b, text) {
			t.Errorf("%q lies in %s", text, where)
		}
	}
}

// found looks for a text, and for its base64 at each of the three offsets.
func found(b []byte, text string) bool {
	if bytes.Contains(b, []byte(text)) {
		return true
	}
	for shift := range 3 {
		coded := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + text))
		inner := coded[(shift*8+5)/6 : len(coded)-1] // without the characters that its neighbours share
		if bytes.Contains(b, []byte(inner)) {
			return true
		}
	}
	return false
}

func TestFound(t *testing.T) {
	const text = "a secret of some length"
	for shift := range 4 {
		coded := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text + "and more"))
		if !found([]byte("noise"+coded), text) {
			t.Errorf("the search misses base64 at offset %d", shift)
		}
	}
	if found([]byte("a secret of some other length"), text) {
		t.Error("the search finds what is not there")
	}
}

// wiretap is a TCP proxy that keeps everything that passes.
type wiretap struct {
	addr string

	mu    sync.Mutex
	heard []*bytes.Buffer // one for each direction of each connection
}

func newWiretap(t *testing.T, target string) *wiretap {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wiretap{addr: ln.Addr().String()}
	var pipes sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		pipes.Wait()
	})
	pipes.Go(func() {
		for {
			near, err := ln.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				near.Close()
				continue
			}
			pipes.Go(func() { w.pipe(far, near) })
			pipes.Go(func() { w.pipe(near, far) })
		}
	})
	return w
}

func (w *wiretap) pipe(to, from net.Conn) {
	tape := new(bytes.Buffer)
	w.mu.Lock()
	w.heard = append(w.heard, tape)
	w.mu.Unlock()
	buf := make([]byte, 4096)
	for {
		n, err := from.Read(buf)
		w.mu.Lock()
		tape.Write(buf[:n])
		w.mu.Unlock()
		if _, writeErr := to.Write(buf[:n]); err != nil || writeErr != nil {
			break
		}
	}
	to.Close()
	from.Close()
}

// capture gives what was heard, as the two ends read it.
func (w *wiretap) capture() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all []byte
	for _, tape := range w.heard {
		all = append(all, tape.Bytes()...)
		all = append(all, unmask(tape.Bytes())...)
	}
	return all
}

// unmask gives the payloads of a client's frames (RFC 6455, section 5.2), of
// which this client makes no fragments.
func unmask(tape []byte) (payloads []byte) {
	head, frames, ok := bytes.Cut(tape, []byte("\r\n\r\n"))
	if !ok || !bytes.HasPrefix(head, []byte("GET /ws ")) {
		return nil
	}
	for len(frames) >= 2 {
		n, at := int(frames[1]&0x7f), 2
		switch n {
		case 126:
			at = 4
		case 127:
			at = 10
		}
		if len(frames) < at+4 {
			break
		}
		if at > 2 {
			n = 0
			for _, b := range frames[2:at] {
				n = n<<8 | int(b)
			}
		}
		mask, rest := frames[at:at+4], frames[at+4:]
		n = min(n, len(rest))
		for i, b := range rest[:n] {
			payloads = append(payloads, b^mask[i%4])
		}
		frames = rest[n:]
	}
	return payloads
}

// TestNothingReadable holds the relay's disk, its traffic without TLS, its log
// and the profiles against what was said.
func TestNothingReadable(t *testing.T) {
	dir := t.TempDir()
	env := environment(dir)
	pass := filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	relay := startRelay(t, env, "--tls", "off", "--log-level", "debug")
	tap := newWiretap(t, relay.addr)
	_, pin, _ := strings.Cut(relay.url, "#")
	chat := func(stdin string, args ...string) string {
		return run(t, env, stdin, "chat", append(args, "--passphrase-file", pass)...)
	}
	secrets := []string{"a note that nobody else reads", "attack at dawn, by the old mill", "understood, bring the ladder", "a longer text: " + strings.Repeat("the quick brown fox ", 200)}
	// The names are long enough that they do not come about by chance in what is sealed.

	chat("", "login", "alice", "--server", "ws://"+tap.addr+"#"+pin)
	chat("", "login", "barbara")
	chat("", "connect", "barbara", "--as", "alice", "--note", secrets[0])
	chat("", "accept", "alice", "--as", "barbara")
	chat(secrets[1], "send", "barbara", "--as", "alice")
	chat(secrets[3], "send", "barbara", "--as", "alice")
	searchFor(t, relay.dir, secrets) // while they lie in the mailbox
	chat(secrets[2], "send", "alice", "--as", "barbara")
	got := chat("", "listen", "--json", "--since", "0", "--max", "2", "--as", "barbara")
	if !strings.Contains(got, secrets[1]) || !strings.Contains(got, secrets[3]) {
		t.Fatalf("barbara has read %s", got)
	}
	if got := chat("", "listen", "--since", "0", "--max", "1", "--as", "alice"); !strings.Contains(got, secrets[2]) {
		t.Fatalf("alice has read %s", got)
	}

	capture := tap.capture()
	// Both directions are in it, or it would prove nothing.
	for _, want := range []string{`"encrypted_message","id"`, `"connection_request"`, `"connect_request"`, `"from":"alice/`} {
		if !bytes.Contains(capture, []byte(want)) {
			t.Errorf("the capture has no %s: it is no capture", want)
		}
	}
	searchIn(t, "the traffic", capture, secrets)
	searchFor(t, relay.dir, secrets)
	searchFor(t, filepath.Join(dir, "data"), append(secrets, "alice/", "barbara/", "account-secret:", "device-secret:", "box-secret:"))
	log, err := os.ReadFile(relay.stderr)
	if err != nil || len(log) == 0 {
		t.Fatalf("the relay's log: %d bytes, %v", len(log), err)
	}
	searchIn(t, "the relay's log", log, append(secrets, "alice", "barbara", "account-public"))
}
