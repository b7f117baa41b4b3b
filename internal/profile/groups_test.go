package profile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// Groups come back as they were written, with what is unread in them, and so do
// messages that are on their way to them. A conversation of a group is found,
// read, searched and left like any other, and keeps apart from those of contacts.
func TestGroups(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	defer s.Close()
	now := time.UnixMicro(1_900_000_000_000_000).UTC()
	keys, err := s.Keys()
	if err != nil {
		t.Fatal(err)
	}
	print := keys.Certificate.Account.Fingerprint()
	ops := client.GroupRecord{
		Name: "+ops", State: client.Joined, Since: now, Doubted: []string{"dave"}, Outside: map[string]uint64{"carol": 2},
		Roster: client.Roster{
			ID: crypto.NewGroupID(), Epoch: 2, Name: "ops", Owner: "alice", Disappear: 60, Before: [32]byte{1, 2, 3},
			Members: []client.RosterMember{{Name: "alice", Fingerprint: print}, {Name: "carol", Fingerprint: print}},
		},
	}
	other := client.GroupRecord{Name: "+ops_2", State: client.Unknown, Since: now, Roster: client.Roster{ID: crypto.NewGroupID(), Name: "ops"}}
	bob := crypto.Address{User: "bob", Device: crypto.NewDeviceID()}
	said := func(in, text string) client.NewMessage {
		return client.NewMessage{Author: bob, Message: client.Message{
			ID: crypto.NewMessageID().String(), Contact: in, From: "bob", Type: client.TypeText, Text: text, SentAt: now, At: now, State: client.Received, Unread: true,
		}}
	}
	fanout := client.Fanout{Message: crypto.NewMessageID(), Waiting: 1, Stored: 2, Delivered: 3, Failed: 4, Reason: "not to bob: gone"}
	done := client.Fanout{Message: crypto.NewMessageID(), Waiting: 1}
	item := client.OutboxItem{ID: crypto.NewMessageID(), Kind: "send_message", Contact: "bob", At: now, Frame: []byte("{}"), Message: fanout.Message}
	commit(t, s, &client.Changes{
		Groups: []client.GroupRecord{other, ops}, Fanouts: []client.Fanout{fanout, done}, Enqueue: []client.OutboxItem{item},
		Messages: []client.NewMessage{said("+ops", "deploy now"), said("bob", "deploy later"), said("+ops_2", "deploy never")},
	})
	ops.State, ops.Outside = client.Left, nil
	done.Waiting, done.Delivered = 0, 1
	commit(t, s, &client.Changes{Groups: []client.GroupRecord{ops}, Fanouts: []client.Fanout{done}})

	ops.Unread, ops.LastAt, other.Unread, other.LastAt = 1, now, 1, now
	l := load(t, s)
	same := cmp.Options{cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)}
	want := []client.GroupRecord{ops, other}
	if diff := cmp.Diff(want, l.Groups, same); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]client.Fanout{fanout}, l.Fanouts); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if items, err := s.Outbox(0, 10); err != nil || len(items) != 1 || items[0].Message != fanout.Message || l.Outbox[0].Message != fanout.Message {
		t.Errorf("%+v, %v", items, err)
	}

	for in, text := range map[string]string{"+ops": "deploy now", "bob": "deploy later", "+ops_2": "deploy never"} {
		if all, err := s.History(client.Query{Contact: in, Limit: 9}); err != nil || len(all) != 1 || all[0].Text != text {
			t.Errorf("history of %s: %+v, %v", in, all, err)
		}
		if found, err := s.Search(client.Search{Find: "deploy", Contact: in, Limit: 9}); err != nil || len(found) != 1 || found[0].Text != text {
			t.Errorf("found in %s: %+v, %v", in, found, err)
		}
		if err := s.SetView(client.View{Contact: in, Draft: text}); err != nil {
			t.Error(err)
		}
	}
	if views, err := s.Views(); err != nil || len(views) != 3 {
		t.Errorf("%+v, %v", views, err)
	}
	if marked, err := s.MarkRead("+ops", 9, now); err != nil || marked.Left != 0 {
		t.Errorf("%+v, %v", marked, err)
	}
	if l := load(t, s); l.Groups[0].Unread != 0 || l.Groups[1].Unread != 1 {
		t.Errorf("%+v", l.Groups)
	}
}
