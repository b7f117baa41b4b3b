package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"secure-messaging/pkg/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// owner serves an account on a socket for the time of a test.
type owner struct {
	server *Server
	path   string
	end    func() // ends it and waits
}

func own(t testing.TB, account client.Account) owner {
	t.Helper()
	return ownAt(t, account, filepath.Join(t.TempDir(), "s"))
}

func ownAt(t testing.TB, account client.Account, path string) owner {
	t.Helper()
	o := owner{server: NewServer(account), path: path}
	ln, err := Listen(o.path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- o.server.Serve(ctx, ln) }()
	o.end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(o.end)
	return o
}

func (o owner) dial(t testing.TB) *Remote {
	t.Helper()
	r, err := Dial(t.Context(), o.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// roundTrips has one row for each method of client.Account.
var roundTrips = map[string]struct {
	answer any
	want   string // the call that the account must see
	call   func(context.Context, client.Account) (any, error)
}{
	"Identity": {someIdentity, "Identity", func(ctx context.Context, a client.Account) (any, error) { return a.Identity(ctx) }},
	"Status":   {someStatus, "Status", func(ctx context.Context, a client.Account) (any, error) { return a.Status(ctx) }},
	"Contacts": {[]client.Contact{someContact}, "Contacts", func(ctx context.Context, a client.Account) (any, error) { return a.Contacts(ctx) }},
	"Connect":  {someContact, `Connect "bob" "note\n"`, func(ctx context.Context, a client.Account) (any, error) { return a.Connect(ctx, "bob", "note\n") }},
	"Accept":   {someContact, `Accept "bob"`, func(ctx context.Context, a client.Account) (any, error) { return a.Accept(ctx, "bob") }},
	"Reject":   {nil, `Reject "bob"`, func(ctx context.Context, a client.Account) (any, error) { return nil, a.Reject(ctx, "bob") }},
	"Block":    {nil, `Block "bob"`, func(ctx context.Context, a client.Account) (any, error) { return nil, a.Block(ctx, "bob") }},
	"Safety":   {someSafety, `Safety "bob"`, func(ctx context.Context, a client.Account) (any, error) { return a.Safety(ctx, "bob") }},
	"Trust": {someContact, `Trust "bob" "take_new_key" "4567 \x00"`, func(ctx context.Context, a client.Account) (any, error) {
		return a.Trust(ctx, "bob", client.TakeKey, "4567 \x00")
	}},
	"Send": {someMessage, `Send "bob" "a\x00\n\u2028<"`, func(ctx context.Context, a client.Account) (any, error) { return a.Send(ctx, "bob", "a\x00\n\u2028<") }},
	"Reply": {someAnswer, `Reply 9007199254740993 "yes\x00"`, func(ctx context.Context, a client.Account) (any, error) {
		return a.Reply(ctx, 1<<53+1, "yes\x00")
	}},
	"Edit":   {someAnswer, `Edit 7 "a\n<"`, func(ctx context.Context, a client.Account) (any, error) { return a.Edit(ctx, 7, "a\n<") }},
	"Delete": {someMessage, `Delete 7`, func(ctx context.Context, a client.Account) (any, error) { return a.Delete(ctx, 7) }},
	"React":  {someAnswer, `React 7 "👍🏽"`, func(ctx context.Context, a client.Account) (any, error) { return a.React(ctx, 7, "👍🏽") }},
	"Disappear": {someContact, `Disappear "bob" 672h0m0s`, func(ctx context.Context, a client.Account) (any, error) {
		return a.Disappear(ctx, "bob", client.MaxDisappear)
	}},
	"Typing":   {nil, `Typing "bob"`, func(ctx context.Context, a client.Account) (any, error) { return nil, a.Typing(ctx, "bob") }},
	"Settings": {someSettings, "Settings", func(ctx context.Context, a client.Account) (any, error) { return a.Settings(ctx) }},
	"SetSettings": {nil, "SetSettings {Receipts:true Typing:false Presence:true}", func(ctx context.Context, a client.Account) (any, error) {
		return nil, a.SetSettings(ctx, someSettings)
	}},
	"Search": {[]client.Message{someMessage, someAnswer}, `Search {Find:"a b" Contact:bob Before:9 Limit:3}`, func(ctx context.Context, a client.Account) (any, error) {
		return a.Search(ctx, client.Search{Find: `"a b"`, Contact: "bob", Before: 9, Limit: 3})
	}},
	"Views": {[]client.View{someView}, "Views", func(ctx context.Context, a client.Account) (any, error) { return a.Views(ctx) }},
	"SetView": {nil, "SetView {Contact:bob Draft:to\x00 be <&> Replies:9007199254740992 Edits:4 Top:5 Line:6}", func(ctx context.Context, a client.Account) (any, error) {
		return nil, a.SetView(ctx, someView)
	}},
	"SendFile": {someFile, `SendFile "+ops" "/tmp/a b" "look\n"`, func(ctx context.Context, a client.Account) (any, error) {
		return a.SendFile(ctx, "+ops", "/tmp/a b", "look\n")
	}},
	"SaveFile": {"/tmp/a", `SaveFile 9 "/tmp"`, func(ctx context.Context, a client.Account) (any, error) { return a.SaveFile(ctx, 9, "/tmp") }},
	"Groups":   {[]client.Group{someGroup}, "Groups", func(ctx context.Context, a client.Account) (any, error) { return a.Groups(ctx) }},
	"MakeGroup": {someGroup, `MakeGroup "ops" ["bob" "carol"]`, func(ctx context.Context, a client.Account) (any, error) {
		return a.MakeGroup(ctx, "ops", []string{"bob", "carol"})
	}},
	"ChangeGroup": {someGroup, `ChangeGroup "+ops" {Add:[dave] Remove:[bob] Owner:carol Disappear:<nil> Leave:true} 0`, func(ctx context.Context, a client.Account) (any, error) {
		return a.ChangeGroup(ctx, "+ops", client.GroupChange{Add: []string{"dave"}, Remove: []string{"bob"}, Owner: "carol", Disappear: new(int), Leave: true})
	}},
	"Message": {someMessage, `Message "00ff"`, func(ctx context.Context, a client.Account) (any, error) { return a.Message(ctx, "00ff") }},
	"History": {[]client.Message{someMessage}, "History {Contact:bob Before:9 After:7 Limit:3 Incoming:true ID:00ff}", func(ctx context.Context, a client.Account) (any, error) {
		return a.History(ctx, client.Query{Contact: "bob", Before: 9, After: 7, Limit: 3, Incoming: true, ID: "00ff"})
	}},
	"Consumers": {[]client.Consumer{{Name: "ci", Cursor: 1<<53 + 1, At: someMessage.At}}, "Consumers", func(ctx context.Context, a client.Account) (any, error) {
		return a.Consumers(ctx)
	}},
	"Ack":          {nil, `Ack "ci" 9007199254740993`, func(ctx context.Context, a client.Account) (any, error) { return nil, a.Ack(ctx, "ci", 1<<53+1) }},
	"DropConsumer": {nil, `DropConsumer "ci"`, func(ctx context.Context, a client.Account) (any, error) { return nil, a.DropConsumer(ctx, "ci") }},
	"MarkRead":     {nil, `MarkRead "bob" 9007199254740993`, func(ctx context.Context, a client.Account) (any, error) { return nil, a.MarkRead(ctx, "bob", 1<<53+1) }},
	"Events":       {someBatch, "Events 18446744073709551615", func(ctx context.Context, a client.Account) (any, error) { return a.Events(ctx, 1<<64-1) }},
}

func TestRoundTrip(t *testing.T) {
	account := reflect.TypeFor[client.Account]()
	for i := range account.NumMethod() {
		name := account.Method(i).Name
		row, ok := roundTrips[name]
		if !ok {
			t.Errorf("%s has no row", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			f := &fake{answer: row.answer}
			got, err := row.call(t.Context(), own(t, f).dial(t))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(row.answer, got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{row.want}, f.called()); diff != "" {
				t.Errorf("call (-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for name, row := range roundTrips {
		t.Run(name, func(t *testing.T) {
			f := &fake{err: &client.Error{Code: client.CodeKeyChanged, Text: "Another key: \"compare\" <them>.", Err: errors.New("stays at home")}}
			_, err := row.call(t.Context(), own(t, f).dial(t))
			if !errors.Is(err, client.ErrKeyChanged) || err.Error() != f.err.Error() {
				t.Errorf("got %v", err)
			}
			if errors.Is(err, client.ErrTaken) {
				t.Error("is every code")
			}
		})
	}
}

func TestOtherErrors(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want error
		text string
	}{
		{"plain", errors.New("odd"), &client.Error{Code: client.CodeInternal}, "odd"},
		{"another key", client.ErrPeerChanged, client.ErrPeerChanged, client.ErrPeerChanged.Text},
		{"another number", client.ErrConflict, client.ErrConflict, client.ErrConflict.Text},
		{"wrapped", fmt.Errorf("at home: %w", client.ErrTaken), client.ErrTaken, "at home: the name is taken"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := own(t, &fake{err: tt.err}).dial(t).Status(t.Context())
			if !errors.Is(err, tt.want) || err.Error() != tt.text {
				t.Errorf("got %v", err)
			}
		})
	}
}

// No duration becomes another on its way: what the account must refuse, it sees
// as something to refuse.
func TestOddDurations(t *testing.T) {
	for after, want := range map[time.Duration]string{
		time.Second + 1: "-1s", -5 * time.Second: "-1s", 1<<63 - 1: "-1s", time.Millisecond: "-1s", 0: "0s", time.Second: "1s",
	} {
		f := &fake{}
		if _, err := own(t, f).dial(t).Disappear(t.Context(), "bob", after); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{`Disappear "bob" ` + want}, f.called()); diff != "" {
			t.Errorf("%d: %s", after, diff)
		}
	}
	if d := seconds(1 << 62); d != -time.Second {
		t.Errorf("a number of seconds that no duration holds became %s", d)
	}
}

// What a local account refuses, a remote one must not send in another form.
func TestRefusedBeforeSending(t *testing.T) {
	f := &fake{}
	r := own(t, f).dial(t)
	for name, text := range map[string]string{"not UTF-8": "a\xff", "huge": strings.Repeat("a", maxRequest)} {
		if _, err := r.Send(t.Context(), "bob", text); !errors.Is(err, client.ErrUsage) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if calls := f.called(); len(calls) != 0 {
		t.Errorf("the account saw %d calls", len(calls))
	}
	if _, err := r.Send(t.Context(), "bob", strings.Repeat("\x01", client.MaxText)); err != nil {
		t.Errorf("a text of the greatest length: %v", err)
	}
	if err := r.SetView(t.Context(), client.View{Contact: "bob", Draft: strings.Repeat("\x01", 2*client.MaxText)}); err != nil {
		t.Errorf("a draft of the greatest length: %v", err)
	}
}

func TestCancelReachesOwner(t *testing.T) {
	began, ended := make(chan struct{}, maxCalls), make(chan error, maxCalls)
	f := &fake{events: func(ctx context.Context, _ uint64) (client.Batch, error) {
		began <- struct{}{}
		<-ctx.Done()
		ended <- ctx.Err()
		return client.Batch{}, ctx.Err()
	}}
	r := own(t, f).dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan error, maxCalls)
	for range maxCalls { // as many as a Remote admits
		go func() {
			_, err := r.Events(ctx, 1)
			returned <- err
		}()
	}
	for range maxCalls {
		<-began
	}
	cancel()
	for range maxCalls {
		if err := <-returned; !errors.Is(err, context.Canceled) {
			t.Errorf("caller: %v", err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("owner: %v", err)
		}
	}
	if _, err := r.Status(t.Context()); err != nil {
		t.Errorf("the connection afterwards: %v", err)
	}
}
