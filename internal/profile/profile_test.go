package profile

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// cheap is the least cost that a key file may ask for.
var cheap = keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1}

var passphrase = []byte("correct horse battery staple")

const testServer = "localhost:8443"

// isolate points the XDG folders of this test at a folder of its own.
func isolate(t testing.TB) string {
	t.Helper()
	root := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(root, "data"))
	t.Setenv("XDG_STATE_HOME", filepath.Join(root, "state"))
	t.Setenv("XDG_RUNTIME_DIR", "")
	return root
}

func newRef(t testing.TB, name string) Ref {
	t.Helper()
	ref, err := RefFor(name, testServer)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// newKeys makes the identity of a device of name.
func newKeys(t testing.TB, name string) client.Keys {
	t.Helper()
	server, err := client.ParseServer("wss://" + testServer)
	if err != nil {
		t.Fatal(err)
	}
	relay := crypto.NewRelayPrivate().Public()
	server.Pin = relay.Fingerprint()
	keys, _, err := client.NewKeys(server, relay, name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// first is the first prekey of any profile that does not use it.
var first = crypto.NewPrekey(crypto.PrekeySigned, 1, time.Unix(1700000000, 0))

func create(t testing.TB, name string) *Store {
	t.Helper()
	s, err := Create(newRef(t, name), newKeys(t, name), first, passphrase, cheap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func open(t testing.TB, ref Ref) *Store {
	t.Helper()
	s, err := unlock(ref, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// reopen closes a store and opens it again.
func reopen(t testing.TB, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, s.Ref())
}

func load(t testing.TB, s *Store) client.Loaded {
	t.Helper()
	l, err := s.Load()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func commit(t testing.TB, s *Store, c *client.Changes) {
	t.Helper()
	if err := s.Commit(c); err != nil {
		t.Fatal(err)
	}
}

// unlock takes a profile and opens it.
func unlock(ref Ref, passphrase []byte) (*Store, error) {
	l, err := Acquire(ref)
	if err != nil {
		return nil, err
	}
	defer l.Release()
	return l.Open(passphrase)
}

// history gives all messages that q selects.
func history(t testing.TB, s *Store, q client.Query) []client.Message {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = client.MaxLimit
	}
	all, err := s.History(q)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func texts(messages []client.Message) []string {
	out := make([]string, 0, len(messages))
	for _, m := range messages {
		out = append(out, m.Text)
	}
	return out
}

// contactOf makes a contact with a certificate of its own.
func contactOf(t testing.TB, name string, state client.ContactState) client.ContactRecord {
	t.Helper()
	cert := newKeys(t, name).Certificate
	return client.ContactRecord{
		Contact: client.Contact{
			Name: name, State: state, Note: "note of " + name,
			Fingerprint: string(cert.Account.Fingerprint()), Trust: client.Pinned, Since: now(),
		},
		Grade: client.Pinned, Certificate: cert, RequestID: crypto.NewMessageID(),
		Session: bytes.Repeat([]byte("session with "+name), 3),
	}
}

// incoming makes a message of a contact.
func incoming(c client.ContactRecord, text string) client.NewMessage {
	return client.NewMessage{
		Author: c.Certificate.Address(),
		Message: client.Message{
			ID: crypto.NewMessageID().String(), Contact: c.Name, From: c.Name, Type: client.TypeText,
			Text: text, SentAt: now(), At: now(), State: client.Received, Unread: true,
		},
	}
}

// outgoing makes a message of the store's own device.
func outgoing(t testing.TB, s *Store, contact, text string) client.NewMessage {
	t.Helper()
	author := load(t, s).Keys.Certificate.Address()
	return client.NewMessage{
		Author: author,
		Message: client.Message{
			ID: crypto.NewMessageID().String(), Contact: contact, From: string(author.User), Type: client.TypeText,
			Text: text, SentAt: now(), At: now(), State: client.Waiting,
		},
	}
}

func idOf(t testing.TB, m client.NewMessage) crypto.MessageID {
	t.Helper()
	id, err := parseID(m.ID)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// now is the present as precisely as a store keeps it.
func now() time.Time { return time.Now().Truncate(time.Microsecond) }

func numbered(n int) string { return fmt.Sprintf("message number %d", n) }
