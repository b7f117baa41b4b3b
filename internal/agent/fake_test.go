package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"secure-messaging/pkg/client"
)

var (
	someTime = time.Date(2031, 2, 3, 4, 5, 6, 789000000, time.UTC)

	someIdentity = client.Identity{Username: "alice", Server: "relay.example:8443", Device: "0123456789abcdef", Fingerprint: "aaaa-bbbb", RelayPin: "cccc-dddd", Profile: "/profile"}
	someStatus   = client.Status{State: client.Offline, Reason: "no answer", RetryAt: someTime, Waiting: 3}
	someContact  = client.Contact{Name: "bob", State: client.Incoming, Fingerprint: "eeee-ffff", Trust: client.Verified, Note: "hi <&> \u2028 \x1b[1m", Since: someTime, Unread: 2, LastAt: someTime}
	someSafety   = client.Safety{Name: "bob", Trust: client.Changed, Number: "0123", QR: "a:b", Offered: "4567", OfferedQR: "a:c"}
	someMessage  = client.Message{Cursor: 1 << 52, ID: "00112233445566778899aabbccddeeff", Contact: "bob", From: "alice", Type: client.TypeText, Text: "line\nline \x00 <&>", SentAt: someTime, At: someTime, State: client.Waiting, Reason: "none", Unread: true}
	someAnswer   = client.Message{Cursor: 8, ID: "00112233445566778899aabbccddeeff", Contact: "bob", From: "bob", Type: client.TypeText, Text: "yes", SentAt: someTime, At: someTime, State: client.Received, Reply: &client.Quote{Cursor: 7, ID: "ff112233445566778899aabbccddeeff", From: "alice", Text: "ten?\x00"}, Edited: true, Reactions: []client.Reaction{{From: "bob", Emoji: "👍🏽"}}, Disappear: 60, GoneAt: someTime}
	someSettings = client.Settings{Receipts: true, Presence: true}
	someView     = client.View{Contact: "bob", Draft: "to\x00 be <&>", Replies: 1 << 53, Edits: 4, Top: 5, Line: 6}
	someFile     = client.Message{Cursor: 9, ID: "00112233445566778899aabbccddeeff", Contact: "+ops", From: "bob", Type: client.TypeFile, SentAt: someTime, At: someTime, State: client.Received, File: &client.File{Name: "a\x00.pdf", Size: 1<<53 + 1, Done: 7, Saved: "/tmp/a.pdf"}}
	someGroup    = client.Group{Name: "+ops", ID: "00112233445566778899aabbccddeeff", State: client.Joined, Owner: "alice", Members: []client.Member{{Name: "alice", Fingerprint: "k3qd", Reach: client.Self}, {Name: "bob", Fingerprint: "a7xw", Reach: client.Stranger}}, Epoch: 1<<53 + 1, Since: someTime, Unread: 3, LastAt: someTime, Disappear: 60}
	someBatch    = client.Batch{Events: []client.Event{{Kind: client.GroupChanged, Group: &someGroup}, {Kind: client.MessageAdded, Message: &someMessage}, {Kind: client.Warned, Warning: "careful"}, {Kind: client.ContactWriting, Writing: "bob"}, {Kind: client.MessageChanged, Message: &someAnswer}}, Next: 1<<63 + 1, Lagged: true}
)

// fake is an account that records its calls and answers what it is told to.
type fake struct {
	answer any   // for methods with a result
	err    error // for all

	// Where set, they take the place of the method.
	events  func(ctx context.Context, after uint64) (client.Batch, error)
	history func(q client.Query) ([]client.Message, error)
	search  func(q client.Search) ([]client.Message, error)
	connect func(ctx context.Context) (client.Contact, error)
	send    func(text string) (client.Message, error)

	mu    sync.Mutex
	calls []string
}

func record[R any](f *fake, format string, args ...any) (R, error) {
	f.mu.Lock()
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	f.mu.Unlock()
	r, _ := f.answer.(R)
	return r, f.err
}

func (f *fake) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

func (f *fake) Identity(context.Context) (client.Identity, error) {
	return record[client.Identity](f, "Identity")
}

func (f *fake) Status(context.Context) (client.Status, error) {
	return record[client.Status](f, "Status")
}

func (f *fake) Contacts(context.Context) ([]client.Contact, error) {
	return record[[]client.Contact](f, "Contacts")
}

func (f *fake) Connect(ctx context.Context, name, note string) (client.Contact, error) {
	c, err := record[client.Contact](f, "Connect %q %q", name, note)
	if f.connect != nil {
		return f.connect(ctx)
	}
	return c, err
}

func (f *fake) Accept(_ context.Context, name string) (client.Contact, error) {
	return record[client.Contact](f, "Accept %q", name)
}

func (f *fake) Reject(_ context.Context, name string) error {
	_, err := record[any](f, "Reject %q", name)
	return err
}

func (f *fake) Block(_ context.Context, name string) error {
	_, err := record[any](f, "Block %q", name)
	return err
}

func (f *fake) Safety(_ context.Context, name string) (client.Safety, error) {
	return record[client.Safety](f, "Safety %q", name)
}

func (f *fake) Trust(_ context.Context, name string, decision client.Decision, number string) (client.Contact, error) {
	return record[client.Contact](f, "Trust %q %q %q", name, decision, number)
}

func (f *fake) Send(_ context.Context, to, text string) (client.Message, error) {
	m, err := record[client.Message](f, "Send %q %q", to, text)
	if f.send != nil {
		return f.send(text)
	}
	return m, err
}

func (f *fake) Reply(_ context.Context, cursor int64, text string) (client.Message, error) {
	return record[client.Message](f, "Reply %d %q", cursor, text)
}

func (f *fake) Edit(_ context.Context, cursor int64, text string) (client.Message, error) {
	return record[client.Message](f, "Edit %d %q", cursor, text)
}

func (f *fake) Delete(_ context.Context, cursor int64) (client.Message, error) {
	return record[client.Message](f, "Delete %d", cursor)
}

func (f *fake) React(_ context.Context, cursor int64, emoji string) (client.Message, error) {
	return record[client.Message](f, "React %d %q", cursor, emoji)
}

func (f *fake) Disappear(_ context.Context, contact string, after time.Duration) (client.Contact, error) {
	return record[client.Contact](f, "Disappear %q %s", contact, after)
}

func (f *fake) Typing(_ context.Context, contact string) error {
	_, err := record[any](f, "Typing %q", contact)
	return err
}

func (f *fake) Settings(context.Context) (client.Settings, error) {
	return record[client.Settings](f, "Settings")
}

func (f *fake) SetSettings(_ context.Context, s client.Settings) error {
	_, err := record[any](f, "SetSettings %+v", s)
	return err
}

func (f *fake) Search(_ context.Context, q client.Search) ([]client.Message, error) {
	ms, err := record[[]client.Message](f, "Search %+v", q)
	if f.search != nil {
		return f.search(q)
	}
	return ms, err
}

func (f *fake) Views(context.Context) ([]client.View, error) {
	return record[[]client.View](f, "Views")
}

func (f *fake) SetView(_ context.Context, v client.View) error {
	_, err := record[any](f, "SetView %+v", v)
	return err
}

func (f *fake) SendFile(_ context.Context, to, path, text string) (client.Message, error) {
	return record[client.Message](f, "SendFile %q %q %q", to, path, text)
}

func (f *fake) SaveFile(_ context.Context, cursor int64, path string) (string, error) {
	return record[string](f, "SaveFile %d %q", cursor, path)
}

func (f *fake) Groups(context.Context) ([]client.Group, error) {
	return record[[]client.Group](f, "Groups")
}

func (f *fake) MakeGroup(_ context.Context, name string, members []string) (client.Group, error) {
	return record[client.Group](f, "MakeGroup %q %q", name, members)
}

func (f *fake) ChangeGroup(_ context.Context, group string, change client.GroupChange) (client.Group, error) {
	after := -1
	if change.Disappear != nil {
		after, change.Disappear = *change.Disappear, nil
	}
	return record[client.Group](f, "ChangeGroup %q %+v %d", group, change, after)
}

func (f *fake) Message(_ context.Context, id string) (client.Message, error) {
	return record[client.Message](f, "Message %q", id)
}

func (f *fake) History(_ context.Context, q client.Query) ([]client.Message, error) {
	ms, err := record[[]client.Message](f, "History %+v", q)
	if f.history != nil {
		return f.history(q)
	}
	return ms, err
}

func (f *fake) Consumers(context.Context) ([]client.Consumer, error) {
	return record[[]client.Consumer](f, "Consumers")
}

func (f *fake) Ack(_ context.Context, consumer string, cursor int64) error {
	_, err := record[any](f, "Ack %q %d", consumer, cursor)
	return err
}

func (f *fake) DropConsumer(_ context.Context, consumer string) error {
	_, err := record[any](f, "DropConsumer %q", consumer)
	return err
}

func (f *fake) MarkRead(_ context.Context, contact string, cursor int64) error {
	_, err := record[any](f, "MarkRead %q %d", contact, cursor)
	return err
}

func (f *fake) Events(ctx context.Context, after uint64) (client.Batch, error) {
	b, err := record[client.Batch](f, "Events %d", after)
	if f.events != nil {
		return f.events(ctx, after)
	}
	return b, err
}
