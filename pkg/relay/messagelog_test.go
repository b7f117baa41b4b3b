package relay_test

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// logText collects a log.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestLogNamesNobody lets people register, log in, talk in both ways, do what is
// wrong and be removed, at a relay that logs all it can, and looks in the log for
// every name, device, key, message and address.
func TestLogNamesNobody(t *testing.T) {
	log := &logText{}
	w := newWorld(t, operated, func(cfg *relay.Config) {
		cfg.LogMessages = true
		cfg.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	alice, bob := w.register("alice_of_the_test"), w.register("bob_of_the_test")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	direct := b.message("a secret on its way at once", alice)
	f := expect[*protocol.EncryptedMessage](a)
	a.burst(&protocol.Ack{Seq: f.Seq})
	for {
		if r := expect[*protocol.Receipt](b); r.ID == direct && r.State == protocol.ReceiptDelivered {
			break
		}
	}
	w.leave(a)
	waits := b.message("a secret that waits", alice)
	b.expectStored(waits, alice)
	a = w.login(alice)
	f = expect[*protocol.EncryptedMessage](a)
	a.burst(&protocol.Ack{Seq: f.Seq}, &protocol.FetchPrekeys{ID: direct, Target: "nobody_of_the_test"})
	a.expectError(protocol.CodeUnknownUser)
	w.refused(bob.another(1), protocol.CodeBadProof)
	w.expectHTTP(w.request("GET", protocol.PathUsers+"?username=nobody_of_the_test", ""), 404, protocol.CodeUnknownUser)
	if err := w.relay.Remove(t.Context(), "alice_of_the_test"); err != nil {
		t.Fatal(err)
	}
	w.stop()

	text := log.String()
	for _, want := range []string{"msg=message_relayed", "way=direct", "way=mailbox", "bytes=27", "bytes=19"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not say %s:\n%s", want, text)
		}
	}
	never := []string{"alice", "bob", "nobody_of", "secret", "127.0.0.1", w.addr, direct.String(), waits.String()}
	for _, p := range []*person{alice, bob} {
		cert, _ := p.cert.MarshalText()
		account, _ := p.cert.Account.MarshalText()
		login, _ := p.cert.Login.MarshalText()
		never = append(never, p.cert.Device.String(), string(cert), string(account), string(login))
	}
	for _, secret := range []string{"a secret on its way at once", "a secret that waits"} {
		never = append(never, base64.RawURLEncoding.EncodeToString([]byte(secret)))
	}
	for _, n := range never {
		if strings.Contains(text, n) {
			t.Errorf("the log holds %q:\n%s", n, text)
		}
	}
}
