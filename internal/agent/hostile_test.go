package agent

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/client"
)

// raw opens a connection that speaks whatever the test writes.
func raw(t *testing.T, path string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn, bufio.NewReaderSize(conn, maxAnswer)
}

// The protocol as doc.go shows it, without this package's caller.
func TestByHand(t *testing.T) {
	o := own(t, &fake{err: &client.Error{Code: client.CodeNotFound, Text: "There is no request."}})
	conn, in := raw(t, o.path)
	for _, tt := range []struct{ say, want string }{
		{`{"jsonrpc":"2.0","id":1,"method":"hello","params":{"version":3,"later":true}}`, `{"jsonrpc":"2.0","id":1,"result":{"version":3}}`},
		{`{"jsonrpc":"2.0","id":"two","method":"reject","params":{"name":"bob"}}`, `{"jsonrpc":"2.0","id":"two","error":{"code":1,"message":"There is no request.","data":{"code":"not_found"}}}`},
		{`{"jsonrpc":"2.0","id":3,"method":"dance"}`, `{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"method not found","data":"dance"}}`},
		{`{"jsonrpc":"2.0","id":4,"method":"rpc.serverInfo"}`, `{"jsonrpc":"2.0","id":4,"error":{"code":-32601,"message":"method not found","data":"rpc.serverInfo"}}`},
		{`{"jsonrpc":"2.0","id":5,"method":"cancel","params":{"id":99}}`, `{"jsonrpc":"2.0","id":5,"result":null}`},
		{`{"id":6,"method":"status"}`, `{"jsonrpc":"2.0","id":6,"error":{"code":-32600,"message":"invalid version marker"}}`},
		{`garbage`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"invalid request value"}}`},
		{`{"jsonrpc":"2.0","id":8,"result":1}`, `{"jsonrpc":"2.0","id":8,"error":{"code":-32600,"message":"empty method name"}}`},
	} {
		fmt.Fprintln(conn, tt.say)
		got, err := in.ReadString('\n')
		if err != nil {
			t.Fatalf("%s: %v", tt.say, err)
		}
		if diff := cmp.Diff(tt.want+"\n", got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.say, diff)
		}
	}
	fmt.Fprintln(conn, `{"jsonrpc":"2.0","id":9,"method":"send","params":{"to":5}}`)
	if got, err := in.ReadString('\n'); err != nil || !strings.Contains(got, `"code":-32602`) {
		t.Errorf("wrong params: %s, %v", got, err)
	}
}

// A decision about a key reaches the account as it was made, or not at all.
func TestTrustByHand(t *testing.T) {
	for _, tt := range []struct{ params, answer, call string }{
		{`{"name":"bob","decision":"take_new_key","number":"12"}`, `"result":`, `Trust "bob" "take_new_key" "12"`},
		{`{"name":"bob","decision":"","number":""}`, `"result":`, `Trust "bob" "" ""`}, // for the account to refuse
		{`{"name":"bob","decision":"verified","number":12}`, `"code":-32602`, ""},
		{`{"name":"bob","decision":["verified"],"number":"12"}`, `"code":-32602`, ""},
		{`{"name":null,"decision":{},"number":"12"}`, `"code":-32602`, ""},
		{`["bob","verified","12"]`, `"code":-32602`, ""},
	} {
		f := &fake{answer: someContact}
		conn, in := raw(t, own(t, f).path)
		fmt.Fprintf(conn, `{"jsonrpc":"2.0","id":1,"method":"trust","params":%s}`+"\n", tt.params)
		got, err := in.ReadString('\n')
		if err != nil || !strings.Contains(got, tt.answer) {
			t.Errorf("%s: %s, %v", tt.params, got, err)
		}
		if calls := strings.Join(f.called(), "\n"); calls != tt.call {
			t.Errorf("%s: the account saw %q", tt.params, calls)
		}
	}
}

// What breaks the rules ends its own connection and no other.
func TestHostileLines(t *testing.T) {
	o := own(t, &fake{answer: someStatus})
	r := o.dial(t)
	for name, line := range map[string]string{
		"too long":     strings.Repeat("a", maxRequest) + "\n",
		"not UTF-8":    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xff\"}\n",
		"batch":        ` [{"jsonrpc":"2.0","id":1,"method":"status"}]` + "\n",
		"no id":        `{"jsonrpc":"2.0","method":"status"}` + "\n",
		"no id at all": `{"jsonrpc":"2.0","method":"dance"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, in := raw(t, o.path)
			io.WriteString(conn, line) // may fail: the owner need not read all of it
			if got, err := in.ReadString('\n'); err == nil {
				t.Errorf("got an answer: %s", got)
			}
			if _, err := r.Status(t.Context()); err != nil {
				t.Errorf("another connection: %v", err)
			}
		})
	}
}

// A peer that asks without end and never reads is held up by its own answers:
// the owner takes no more lines than it may.
func TestPeerThatDoesNotRead(t *testing.T) {
	var mu sync.Mutex
	var most, now int
	full := make(chan struct{})
	release := make(chan struct{})
	f := &fake{events: func(ctx context.Context, _ uint64) (client.Batch, error) {
		mu.Lock()
		if now++; now > most {
			most = now
		}
		if now == maxLines {
			close(full)
		}
		mu.Unlock()
		<-release
		return client.Batch{}, ctx.Err()
	}}
	o := own(t, f)
	conn, _ := raw(t, o.path)
	wrote := make(chan struct{})
	go func() {
		defer close(wrote)
		for i := range 50_000 { // until the socket is full, or the test closes it
			if _, err := fmt.Fprintf(conn, `{"jsonrpc":"2.0","id":%d,"method":"events"}`+"\n", i+1); err != nil {
				return
			}
		}
	}()
	<-full
	if _, err := o.dial(t).Status(t.Context()); err != nil {
		t.Errorf("another connection: %v", err)
	}
	mu.Lock()
	if most != maxLines {
		t.Errorf("%d calls under way, at most %d are allowed", most, maxLines)
	}
	mu.Unlock()
	close(release)
	conn.Close()
	<-wrote
	o.end() // which waits for all of them
}

func TestManyCallers(t *testing.T) {
	o := own(t, &fake{send: func(text string) (client.Message, error) { return client.Message{Text: text}, nil }})
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			r, err := Dial(t.Context(), o.path)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			var calls sync.WaitGroup
			for j := range 20 {
				calls.Go(func() {
					text := fmt.Sprint(i, "/", j)
					if m, err := r.Send(t.Context(), "bob", text); err != nil || m.Text != text {
						t.Errorf("%s: got %q, %v", text, m.Text, err)
					}
				})
			}
			calls.Wait()
		})
	}
	wg.Wait()
}

// More connections than the owner serves wait for their turn.
func TestMoreThanMaxConns(t *testing.T) {
	o := own(t, &fake{})
	first := make([]*Remote, maxConns)
	for i := range first {
		first[i] = o.dial(t)
	}
	dialled := make(chan error, 1)
	go func() {
		r, err := Dial(t.Context(), o.path)
		if err == nil {
			err = r.Close()
		}
		dialled <- err
	}()
	first[7].Close()
	if err := <-dialled; err != nil {
		t.Error(err)
	}
}

// Whoever follows the events over the socket sees each once and in order, as
// fast as they come, in batches of any size.
func TestEventsInOrder(t *testing.T) {
	const total = 5000
	log := newTape()
	o := own(t, &fake{events: log.after})
	var readers sync.WaitGroup
	for range 4 {
		r := o.dial(t)
		readers.Go(func() {
			var seen, after uint64
			for seen < total {
				batch, err := r.Events(t.Context(), after)
				if err != nil {
					t.Error(err)
					return
				}
				for _, e := range batch.Events {
					if want := fmt.Sprint(seen); e.Warning != want {
						t.Errorf("got event %s, want %s", e.Warning, want)
						return
					}
					seen++
				}
				after = batch.Next
			}
		})
	}
	for n := 0; n < total; {
		burst := min(1+rand.IntN(50), total-n)
		for range burst {
			log.add(client.Event{Kind: client.Warned, Warning: fmt.Sprint(n)})
			n++
		}
		runtime.Gosched()
	}
	readers.Wait()
}

// tape is the smallest event log that keeps everything.
type tape struct {
	mu     sync.Mutex
	events []client.Event
	more   chan struct{}
}

func newTape() *tape { return &tape{more: make(chan struct{})} }

func (l *tape) add(e client.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	close(l.more)
	l.more = make(chan struct{})
}

func (l *tape) after(ctx context.Context, after uint64) (client.Batch, error) {
	for {
		l.mu.Lock()
		rest, more := l.events[after:], l.more
		l.mu.Unlock()
		if len(rest) > 0 {
			return client.Batch{Events: rest, Next: after + uint64(len(rest))}, nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return client.Batch{}, ctx.Err()
		}
	}
}

// Answers that are too long for one line come in parts, and whole.
func TestLongAnswers(t *testing.T) {
	var stored []client.Message
	for i := range client.MaxLimit {
		stored = append(stored, client.Message{Cursor: int64(i + 1), Text: strings.Repeat("\x01", client.MaxText), State: client.Received})
	}
	f := &fake{history: func(q client.Query) ([]client.Message, error) {
		var out []client.Message
		for _, m := range stored {
			if m.Cursor > q.After && (q.Before == 0 || m.Cursor < q.Before) {
				out = append(out, m)
			}
		}
		if q.After != 0 {
			return out[:min(q.Limit, len(out))], nil
		}
		return out[max(0, len(out)-q.Limit):], nil
	}}
	var people []client.Contact
	for i := range 6000 {
		people = append(people, client.Contact{Name: fmt.Sprintf("user_%05d", i), Note: strings.Repeat("\x01", client.MaxNote)})
	}
	f.answer = people
	r := own(t, f).dial(t)
	for _, tt := range []struct {
		name        string
		q           client.Query
		first, last int64
	}{
		{"latest", client.Query{Limit: 100}, client.MaxLimit - 99, client.MaxLimit},
		{"default", client.Query{}, client.MaxLimit - client.DefaultLimit + 1, client.MaxLimit},
		{"before", client.Query{Before: 81, Limit: 70}, 11, 80},
		{"after", client.Query{After: 10, Limit: 70}, 11, 80},
		{"from the start", client.Query{After: client.FromStart, Limit: 70}, 1, 70},
		{"to the end", client.Query{After: client.MaxLimit - 60, Limit: 100}, client.MaxLimit - 59, client.MaxLimit},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := r.History(t.Context(), tt.q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(stored[tt.first-1:tt.last], got); diff != "" {
				t.Errorf("got %d messages, not those from %d to %d", len(got), tt.first, tt.last)
			}
		})
	}
	if calls := len(f.called()); calls < 15 {
		t.Errorf("%d calls: the answers were not cut", calls)
	}
	got, err := r.Contacts(t.Context())
	if err != nil || !cmp.Equal(people, got) {
		t.Errorf("got %d contacts, %v", len(got), err)
	}
}

// So do the answers of a search, and drafts.
func TestLongSearch(t *testing.T) {
	var stored []client.Message // the latest first
	for i := range 100 {
		stored = append(stored, client.Message{Cursor: int64(100 - i), Text: strings.Repeat("\x01", client.MaxText), State: client.Received})
	}
	f := &fake{search: func(q client.Search) ([]client.Message, error) {
		rest := stored
		if q.Before > 0 {
			rest = stored[101-q.Before:]
		}
		return rest[:min(q.Limit, len(rest))], nil
	}}
	r := own(t, f).dial(t)
	for limit, want := range map[int]int{0: client.DefaultLimit, 70: 70, 1000: 100} {
		got, err := r.Search(t.Context(), client.Search{Find: "x", Limit: limit})
		if err != nil || !cmp.Equal(stored[:want], got) {
			t.Errorf("limit %d: got %d messages, %v", limit, len(got), err)
		}
	}
	if calls := len(f.called()); calls < 10 {
		t.Errorf("%d calls: the answers were not cut", calls)
	}
	var views []client.View
	for i := range 50 {
		views = append(views, client.View{Contact: fmt.Sprintf("user_%02d", i), Draft: strings.Repeat("\x01", 2*client.MaxText)})
	}
	f.answer = views
	if got, err := r.Views(t.Context()); err != nil || !cmp.Equal(views, got) {
		t.Errorf("got %d views, %v", len(got), err)
	}
}
