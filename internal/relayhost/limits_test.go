package relayhost

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/gorilla/websocket"

	"secure-messaging/internal/relaystore"
	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
	"secure-messaging/pkg/relay/ratelimit"
)

// The operator's limits reach the relay.
func TestLimitsOfRelay(t *testing.T) {
	limits := ratelimit.Default()
	limits.Connections = 1
	h, stop := start(t, Config{DataDir: t.TempDir(), TLS: TLS{Mode: Off}, Limits: limits})
	defer stop()
	url := "ws://" + h.Addr().String() + protocol.PathSocket
	first, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	second, answer, err := websocket.DefaultDialer.Dial(url, nil)
	if err == nil {
		second.Close()
		t.Fatal("a second connection, where there may be one")
	}
	if answer == nil || answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the second connection hears %+v, %v", answer, err)
	}
}

// They reach the store.
func TestLimitsOfMailboxes(t *testing.T) {
	limits := ratelimit.Default()
	limits.MailboxMessages, limits.MailboxRequests, limits.MailboxBytes = 3, 2, protocol.MaxFrame
	h, err := open(Config{DataDir: t.TempDir(), Addr: "127.0.0.1:0", Limits: limits}, relaystore.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.closeAll()
	bob := crypto.Address{User: "bob", Device: crypto.NewDeviceID()}
	append := func(kind relay.Kind, size int) bool {
		t.Helper()
		appended, err := h.store.Append(context.Background(), []relay.Delivery{{To: bob, Entry: relay.Entry{
			Kind: kind, From: crypto.Address{User: "alice", Device: crypto.NewDeviceID()}, ID: crypto.NewMessageID(), Data: make([]byte, size),
		}}})
		if err == nil {
			err = appended.Wait()
		}
		if err != nil {
			t.Fatal(err)
		}
		return appended.Seqs[0] != 0
	}
	for _, step := range []struct {
		kind relay.Kind
		size int
		fits bool
	}{
		{relay.KindRequest, 1, true},
		{relay.KindRequest, 1, true},
		{relay.KindRequest, 1, false},
		{relay.KindMessage, protocol.MaxFrame, false},
		{relay.KindMessage, 1, true},
		{relay.KindMessage, 1, false},
	} {
		if append(step.kind, step.size) != step.fits {
			t.Errorf("an entry of kind %v and %d bytes fits: %v", step.kind, step.size, !step.fits)
		}
	}
}

// So do those of files.
func TestLimitsOfFiles(t *testing.T) {
	limits := ratelimit.Default()
	limits.FilesBytesOfUser, limits.FilesBytes = 64<<10, 96<<10
	h, err := open(Config{DataDir: t.TempDir(), Addr: "127.0.0.1:0", Limits: limits}, relaystore.Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer h.closeAll()
	for _, step := range []struct {
		owner crypto.Username
		want  error
	}{{"alice", nil}, {"alice", relay.ErrOwnerFull}, {"bob", nil}, {"carol", relay.ErrFilesFull}} {
		f, b := storetest.NewFile(step.owner, 30<<10)
		if err := storetest.PutFile(h.store, f, b); !errors.Is(err, step.want) {
			t.Errorf("a file of %s: %v", step.owner, err)
		}
	}
}

func TestLimitsAreChecked(t *testing.T) {
	limits := ratelimit.Default()
	limits.MailboxDays = 0
	wants(t, refused(t, Config{DataDir: t.TempDir(), Limits: limits}), "limits: mailboxDays is a number from 1 to 3650")
}
