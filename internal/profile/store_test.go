package profile

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

var equateCertificates = cmp.Comparer(func(a, b crypto.Certificate) bool { return a.Hash() == b.Hash() })

// TestStore holds the store to its contract, each time through a restart.
func TestStore(t *testing.T) {
	for name, test := range map[string]func(*testing.T, *Store){
		"keys":            testKeys,
		"contacts":        testContacts,
		"messages":        testMessages,
		"hostile text":    testHostileText,
		"duplicates":      testDuplicates,
		"sent and states": testSent,
		"unread":          testUnread,
		"outbox":          testOutbox,
		"numbers":         testNumbers,
		"all or nothing":  testAllOrNothing,
		"queries":         testQueries,
	} {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			test(t, create(t, "alice"))
		})
	}
}

func testKeys(t *testing.T, s *Store) {
	want := newKeys(t, "carol")
	want.Server.WebPKI = true
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Create(newRef(t, "carol"), want, first, passphrase, cheap)
	if err != nil {
		t.Fatal(err)
	}
	for _, registered := range []bool{false, true} {
		s = reopen(t, s)
		l := load(t, s)
		if l.Keys.Server != want.Server || l.Keys.Relay != want.Relay || l.Keys.Registered != registered ||
			l.Keys.Certificate.Hash() != want.Certificate.Hash() || l.Keys.Box.Public() != want.Box.Public() ||
			l.Keys.Account.Public() != want.Account.Public() || l.Keys.Device.Public() != want.Device.Public() {
			t.Fatal("other keys came back than were stored")
		}
		if l.Profile != s.Ref().Dir || len(l.Contacts)+len(l.Outbox) != 0 {
			t.Fatalf("a new profile is not empty: %v", l)
		}
		if err := s.MarkRegistered(); err != nil {
			t.Fatal(err)
		}
	}
	s.Close()
}

func testContacts(t *testing.T, s *Store) {
	var want []client.ContactRecord
	for i, state := range []client.ContactState{client.Accepted, client.Incoming, client.Known, client.Requested} {
		want = append(want, contactOf(t, "contact"+string(rune('0'+i)), state))
	}
	stranger := client.ContactRecord{Contact: client.Contact{Name: "stranger", State: client.Blocked, Since: now()}}
	want = append(want, stranger)
	commit(t, s, &client.Changes{Contacts: want})
	s = reopen(t, s)
	if diff := cmp.Diff(want, load(t, s).Contacts, equateCertificates); diff != "" {
		t.Fatal(diff)
	}
	want[0].Grade, want[0].Trust, want[0].Sent, want[0].Heard, want[0].Lost = client.Verified, client.Changed, 7, 8, 3
	want[0].Offered, want[0].Refused = newKeys(t, "contact0").Certificate, want[1].Certificate.Account.Fingerprint()
	commit(t, s, &client.Changes{Contacts: want[:1]})
	want[1].State, want[1].Note, want[1].Session = client.Blocked, "", []byte("the next state")
	want[1].Unread, want[1].LastAt = 7, now() // not stored
	commit(t, s, &client.Changes{Contacts: want[1:2]})
	want[1].Unread, want[1].LastAt = 0, time.Time{}
	s = reopen(t, s)
	if diff := cmp.Diff(want, load(t, s).Contacts, equateCertificates); diff != "" {
		t.Fatal(diff)
	}
}

func testMessages(t *testing.T, s *Store) {
	bob, eve := contactOf(t, "bob", client.Accepted), contactOf(t, "eve", client.Accepted)
	changes := &client.Changes{Contacts: []client.ContactRecord{bob, eve}}
	for i := range 10 {
		switch {
		case i%5 == 4:
			changes.Messages = append(changes.Messages, incoming(eve, numbered(i)))
		case i%2 == 0:
			changes.Messages = append(changes.Messages, incoming(bob, numbered(i)))
		default:
			changes.Messages = append(changes.Messages, outgoing(t, s, "bob", numbered(i)))
		}
	}
	commit(t, s, changes)
	s = reopen(t, s)
	all := history(t, s, client.Query{})
	var want []client.Message
	for _, m := range changes.Messages {
		want = append(want, m.Message)
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Fatal(diff)
	}
	at := func(i int) int64 { return all[i].Cursor }
	for _, test := range []struct {
		name  string
		query client.Query
		want  []int
	}{
		{"latest", client.Query{Limit: 3}, []int{7, 8, 9}},
		{"contact", client.Query{Contact: "eve"}, []int{4, 9}},
		{"nobody", client.Query{Contact: "nobody"}, nil},
		{"before", client.Query{Before: at(3)}, []int{0, 1, 2}},
		{"latest before", client.Query{Before: at(8), Limit: 2}, []int{6, 7}},
		{"after", client.Query{After: at(7)}, []int{8, 9}},
		{"earliest after", client.Query{After: at(0), Limit: 2}, []int{1, 2}},
		{"from the start", client.Query{After: client.FromStart, Limit: 2}, []int{0, 1}},
		{"from the start of one", client.Query{After: client.FromStart, Limit: 1, Contact: "eve"}, []int{4}},
		{"between", client.Query{After: at(1), Before: at(5)}, []int{2, 3, 4}},
		{"beyond", client.Query{After: at(9)}, nil},
		{"incoming", client.Query{Incoming: true}, []int{0, 2, 4, 6, 8, 9}},
		{"all at once", client.Query{Contact: "bob", After: at(0), Before: at(8), Incoming: true, Limit: 2}, []int{2, 6}},
	} {
		got := texts(history(t, s, test.query))
		var want []string
		for _, i := range test.want {
			want = append(want, numbered(i))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", test.name, got, want)
		}
	}
}

func testHostileText(t *testing.T, s *Store) {
	bob := contactOf(t, "bob", client.Accepted)
	c := &client.Changes{Contacts: []client.ContactRecord{bob}}
	hostile := []string{"a\x00b", "\x1b[2J", "'; DROP TABLE messages; --", "\u202e", strings.Repeat("ü", client.MaxText/2)}
	for _, text := range hostile {
		c.Messages = append(c.Messages, incoming(bob, text))
	}
	commit(t, s, c)
	s = reopen(t, s)
	if got := texts(history(t, s, client.Query{})); !slices.Equal(got, hostile) {
		t.Fatalf("got %q", got)
	}
}

func testDuplicates(t *testing.T, s *Store) {
	bob, eve := contactOf(t, "bob", client.Accepted), contactOf(t, "eve", client.Accepted)
	first := incoming(bob, "first")
	id := idOf(t, first)
	seen := func(from crypto.Address, want bool) {
		t.Helper()
		if got, err := s.Seen(from, id); err != nil || got != want {
			t.Fatalf("Seen: %v, %v; want %v", got, err, want)
		}
	}
	seen(first.Author, false)
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob, eve}, Messages: []client.NewMessage{first}})
	s = reopen(t, s)
	seen(first.Author, true)
	seen(eve.Certificate.Address(), false)
	other := first.Author
	other.Device = crypto.NewDeviceID()
	seen(other, false)

	second := first
	second.Text = "second"
	if err := s.Commit(&client.Changes{Messages: []client.NewMessage{second}}); err == nil {
		t.Fatal("a second copy went into the history")
	}
	same := incoming(eve, "the same id from another author")
	same.ID = first.ID
	commit(t, s, &client.Changes{Messages: []client.NewMessage{same}})
	if got := texts(history(t, s, client.Query{})); !slices.Equal(got, []string{"first", same.Text}) {
		t.Fatalf("got %q", got)
	}
}

func testSent(t *testing.T, s *Store) {
	bob := contactOf(t, "bob", client.Accepted)
	sent, received := outgoing(t, s, "bob", "out"), incoming(bob, "in")
	c := &client.Changes{Contacts: []client.ContactRecord{bob}, Messages: []client.NewMessage{sent, received}}
	commit(t, s, c)
	want := c.Messages[0].Message
	for _, change := range []client.StateChange{
		{State: client.Stored}, {State: client.Failed, Reason: "no longer a contact"}, {State: client.Delivered},
	} {
		change.ID = idOf(t, sent)
		commit(t, s, &client.Changes{States: []client.StateChange{change, {ID: idOf(t, received), State: client.Failed}}})
		s = reopen(t, s)
		want.State, want.Reason = change.State, change.Reason
		got, err := s.Sent(change.ID)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Fatal(err, diff)
		}
	}
	for _, id := range []crypto.MessageID{idOf(t, received), crypto.NewMessageID()} {
		if _, err := s.Sent(id); !errors.Is(err, client.ErrNotFound) {
			t.Fatalf("a message of somebody else, or of nobody: %v", err)
		}
	}
	if got := history(t, s, client.Query{Incoming: true}); len(got) != 1 || got[0].State != client.Received {
		t.Fatalf("the state of a received message changed: %v", got)
	}
}

func testUnread(t *testing.T, s *Store) {
	bob, eve := contactOf(t, "bob", client.Accepted), contactOf(t, "eve", client.Known)
	c := &client.Changes{Contacts: []client.ContactRecord{bob, eve}}
	for i := range 5 {
		m := incoming(bob, numbered(i))
		m.At = m.At.Add(time.Duration(i) * time.Second)
		c.Messages = append(c.Messages, m)
	}
	out := outgoing(t, s, "bob", "answer")
	out.At = out.At.Add(time.Hour)
	c.Messages = append(c.Messages, incoming(eve, "hers"), out)
	commit(t, s, c)
	check := func(wantBob, wantEve int) {
		t.Helper()
		s = reopen(t, s)
		got := load(t, s).Contacts
		if got[0].Unread != wantBob || got[1].Unread != wantEve {
			t.Fatalf("unread: bob %d, eve %d; want %d, %d", got[0].Unread, got[1].Unread, wantBob, wantEve)
		}
		if !got[0].LastAt.Equal(out.At) || !got[1].LastAt.Equal(c.Messages[5].At) {
			t.Fatalf("the latest messages are of %v and %v", got[0].LastAt, got[1].LastAt)
		}
	}
	check(5, 1)
	for _, step := range []struct{ upTo, left int }{{1, 3}, {1, 3}, {0, 3}, {6, 0}} {
		marked, err := s.MarkRead("bob", c.Messages[step.upTo].Cursor, time.Now())
		if err != nil || marked.Left != step.left {
			t.Fatalf("MarkRead up to %d: %+v, %v; want %d left", step.upTo, marked, err, step.left)
		}
		check(step.left, 1)
	}
	for i, m := range history(t, s, client.Query{Contact: "bob"}) {
		if m.Unread {
			t.Errorf("message %d is still unread", i)
		}
	}
}

func testOutbox(t *testing.T, s *Store) {
	var items []client.OutboxItem
	for i := range 6 {
		items = append(items, client.OutboxItem{
			ID: crypto.NewMessageID(), Kind: "encrypted_message", Contact: "bob", At: now(), Frame: []byte(numbered(i)),
		})
	}
	c := &client.Changes{Enqueue: items}
	commit(t, s, c)
	commit(t, s, &client.Changes{
		Stored: []crypto.MessageID{items[2].ID, crypto.NewMessageID()},
		Settle: []crypto.MessageID{items[0].ID, items[3].ID, crypto.NewMessageID()},
	})
	s = reopen(t, s)
	items[2].Stored = true
	want := []client.OutboxItem{items[1], items[2], items[4], items[5]}
	got, err := s.Outbox(0, 10)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	got, err = s.Outbox(want[0].Position, 2)
	if diff := cmp.Diff(want[1:3], got); err != nil || diff != "" {
		t.Fatal(err, diff)
	}
	if diff := cmp.Diff(want, load(t, s).Outbox, cmpopts.IgnoreFields(client.OutboxItem{}, "Frame")); diff != "" {
		t.Fatal(diff)
	}
	for _, it := range load(t, s).Outbox {
		if it.Frame != nil {
			t.Fatal("Load read the frames")
		}
	}
}

// testNumbers: cursors and positions rise over restarts and are not reused,
// not even when the highest ones were deleted.
func testNumbers(t *testing.T, s *Store) {
	bob := contactOf(t, "bob", client.Accepted)
	var cursor, position int64
	for range 3 {
		it := client.OutboxItem{ID: crypto.NewMessageID(), Kind: "encrypted_message", Contact: "bob", At: now(), Frame: []byte{1}}
		c := &client.Changes{Messages: []client.NewMessage{incoming(bob, "a"), incoming(bob, "b")}, Enqueue: []client.OutboxItem{it}}
		commit(t, s, c)
		if c.Messages[0].Cursor <= cursor || c.Messages[1].Cursor <= c.Messages[0].Cursor || c.Enqueue[0].Position <= position {
			t.Fatalf("after %d, %d come %+v", cursor, position, c)
		}
		cursor, position = c.Messages[1].Cursor, c.Enqueue[0].Position
		commit(t, s, &client.Changes{Settle: []crypto.MessageID{it.ID}})
		if err := s.write(func() error { return s.db.exec(`DELETE FROM messages WHERE cursor = ?`, cursor) }); err != nil {
			t.Fatal(err)
		}
		s = reopen(t, s)
	}
}

// testAllOrNothing: what comes before the part that fails is undone.
func testAllOrNothing(t *testing.T, s *Store) {
	bob := contactOf(t, "bob", client.Accepted)
	m := incoming(bob, "kept")
	item := client.OutboxItem{ID: crypto.NewMessageID(), Kind: "encrypted_message", Contact: "bob", At: now(), Frame: []byte("kept")}
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{bob}, Messages: []client.NewMessage{m}, Enqueue: []client.OutboxItem{item}})
	before := load(t, s)

	changed := bob
	changed.State, changed.Session = client.Blocked, []byte("advanced")
	err := s.Commit(&client.Changes{
		Contacts: []client.ContactRecord{changed, contactOf(t, "eve", client.Accepted)},
		Messages: []client.NewMessage{incoming(bob, "lost")},
		Settle:   []crypto.MessageID{item.ID},
		Enqueue:  []client.OutboxItem{item}, // a second item under one id
	})
	var e *client.Error
	if !errors.As(err, &e) || e.Code != client.CodeInternal {
		t.Fatalf("got %v", err)
	}
	s = reopen(t, s)
	if diff := cmp.Diff(before.Contacts, load(t, s).Contacts, equateCertificates); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before.Outbox, load(t, s).Outbox); diff != "" {
		t.Error(diff)
	}
	if got := texts(history(t, s, client.Query{})); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("got %q", got)
	}
}

// testQueries: nothing that is asked often walks through all messages.
func testQueries(t *testing.T, s *Store) {
	history(t, s, client.Query{Contact: "bob", Before: 9, After: 1})
	s.Seen(crypto.Address{}, crypto.MessageID{})
	s.Sent(crypto.MessageID{})
	s.MarkRead("bob", 9, time.Now())
	load(t, s)
	var asked int
	for sql := range s.db.stmts {
		if !strings.Contains(sql, "messages") {
			continue
		}
		asked++
		conn := s.db.conn
		plan, _, err := conn.Prepare("EXPLAIN QUERY PLAN " + sql)
		if err != nil {
			t.Fatal(err)
		}
		for plan.Step() {
			if step := plan.ColumnText(3); strings.Contains(step, "SCAN messages") || strings.Contains(step, "TEMP B-TREE") {
				t.Errorf("%s: %s", step, sql)
			}
		}
		plan.Close()
	}
	if asked < 6 {
		t.Fatalf("only %d statements were looked at", asked)
	}
}
