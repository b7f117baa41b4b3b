package relay_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"secure-messaging/internal/relaystore"
	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// operated makes a relay one that its operator looks after.
func operated(cfg *relay.Config) {
	s := cfg.Directory.(*relaystore.Store)
	cfg.Accounts, cfg.Files, cfg.Invites = s, s, s
}

// byInvite makes it ask for invites besides.
func byInvite(cfg *relay.Config) {
	operated(cfg)
	cfg.Registration = relay.ByInvite
}

func (w *world) invite(lasts time.Duration) crypto.InviteCode {
	w.t.Helper()
	code, now := crypto.NewInviteCode(), time.Now()
	i := relay.Invite{Hash: code.Hash(), Created: protocol.Milli(now), Expires: protocol.Milli(now.Add(lasts)), Uses: 1, Left: 1}
	if err := w.store.AddInvite(context.Background(), i); err != nil {
		w.t.Fatal(err)
	}
	return code
}

// enter tries to register by an invite, and wants a status and a code.
func (w *world) enter(p *person, invite crypto.InviteCode, status int, code protocol.Code) {
	w.t.Helper()
	body := w.registration(p)
	body.Invite = invite
	if code != "" {
		w.expectHTTP(w.post(body), status, code)
		return
	}
	if got, _, b := w.do(w.post(body)); got != status {
		w.t.Fatalf("status %d, want %d: %s", got, status, b)
	}
}

// TestInvite: a new name costs one use, and nothing else does.
func TestInvite(t *testing.T) {
	w := newWorld(t, byInvite)
	alice, bob := newPerson(w.key.Public(), "alice"), newPerson(w.key.Public(), "bob")
	none, code := crypto.InviteCode{}, w.invite(time.Hour)
	w.enter(alice, none, http.StatusForbidden, protocol.CodeInviteNeeded)
	w.enter(alice, crypto.NewInviteCode(), http.StatusForbidden, protocol.CodeBadInvite)
	w.enter(alice, w.invite(-time.Second), http.StatusForbidden, protocol.CodeBadInvite)
	w.enter(alice, code, http.StatusCreated, "")
	w.enter(alice, code, http.StatusOK, "") // its answer was lost
	w.enter(alice, none, http.StatusOK, "")
	w.enter(bob, code, http.StatusForbidden, protocol.CodeBadInvite)
	w.enter(newPerson(w.key.Public(), "alice"), w.invite(time.Hour), http.StatusConflict, protocol.CodeTaken)
	w.enter(alice.another(time.Second), none, http.StatusCreated, "") // a device is no new name
	w.enter(bob, w.invite(time.Hour), http.StatusCreated, "")
	w.online(bob)
}

func TestRegistrationClosed(t *testing.T) {
	w := newWorld(t)
	alice := w.register("alice")
	w.stop()
	w.start(func(cfg *relay.Config) { cfg.Registration = relay.Closed })
	w.enter(newPerson(w.key.Public(), "bob"), w.invite(time.Hour), http.StatusForbidden, protocol.CodeClosed)
	w.enter(alice, crypto.InviteCode{}, http.StatusOK, "")
	w.enter(alice.another(time.Second), crypto.InviteCode{}, http.StatusCreated, "")
}

// TestSuspend: who is suspended goes at once, with what is in memory stored, and
// comes in by no way until they may again.
func TestSuspend(t *testing.T) {
	w := newWorld(t, operated)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	a, b := w.online(alice), w.online(bob)
	id := b.message("handed on, and not acked", alice)
	if f := expect[*protocol.EncryptedMessage](a); f.ID != id {
		t.Fatalf("alice got %s", protocol.Encode(f))
	}
	ctx := context.Background()
	if err := w.relay.Suspend(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	a.expectClose(1008)
	b.expectStored(id, alice)
	w.refused(alice, protocol.CodeSuspended)
	w.expectHTTP(w.post(w.registration(alice.another(time.Second))), http.StatusForbidden, protocol.CodeSuspended)
	w.expectHTTP(w.fileRequest(alice, http.MethodGet, crypto.NewFileID(), nil), http.StatusForbidden, protocol.CodeSuspended)
	if err := w.relay.Resume(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	a = w.login(alice)
	if f := expect[*protocol.EncryptedMessage](a); f.ID != id {
		t.Errorf("alice got %s", protocol.Encode(f))
	}
	if err := w.relay.Suspend(ctx, "nobody"); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("nobody: %v", err)
	}
}

// TestRemoveUser: senders hear what has become of their messages, and nothing
// but the name is left.
func TestRemoveUser(t *testing.T) {
	w := newWorld(t, operated)
	alice, bob := w.register("alice"), w.register("bob")
	w.befriend(alice, bob)
	b := w.online(bob)
	id := b.message("waits", alice)
	b.expectStored(id, alice)
	f, bytes := storetest.NewFile("alice", 100)
	if err := storetest.PutFile(w.store, f, bytes); err != nil {
		t.Fatal(err)
	}
	a := w.login(alice)
	if f := expect[*protocol.EncryptedMessage](a); f.ID != id {
		t.Fatalf("alice got %s", protocol.Encode(f)) // and has not acked it
	}
	ctx := context.Background()
	if err := w.relay.Remove(ctx, "alice"); err != nil {
		t.Fatal(err)
	}
	a.expectClose(1008)
	if f := expect[*protocol.Receipt](b); f.State != protocol.ReceiptExpired || f.ID != id {
		t.Errorf("bob heard %s", protocol.Encode(f))
	}
	b.message("to nobody", alice)
	b.expectError(protocol.CodeUnknownUser)
	w.refused(alice, protocol.CodeBadProof)
	w.expectHTTP(w.post(w.registration(alice)), http.StatusConflict, protocol.CodeTaken)
	w.expectHTTP(w.request("GET", protocol.PathUsers+"?username=alice", ""), http.StatusNotFound, protocol.CodeUnknownUser)
	if left := w.entries(alice); len(left) != 0 {
		t.Errorf("%d entries wait for nobody", len(left))
	}
	if files, err := w.store.FilesOf(ctx, "alice"); err != nil || len(files) != 0 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
	if err := w.relay.Remove(ctx, "alice"); !errors.Is(err, relay.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
}
