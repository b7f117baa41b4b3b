package client

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/protocol"
)

// carried is a client at a relay for whose files a handler stands that a test may
// change.
type carried struct {
	*Client
	t        *testing.T
	answer   atomic.Pointer[http.HandlerFunc]
	position uint64
}

func newCarried(t *testing.T, answer http.HandlerFunc) *carried {
	s, _, c := newScript(t)
	k := &carried{Client: c, t: t}
	k.answer.Store(&answer)
	relay := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !websocket.IsWebSocketUpgrade(r) {
			(*k.answer.Load())(w, r)
			return
		}
		ws, err := new(websocket.Upgrader).Upgrade(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.Close()
		(&line{s, ws}).stores()
	})
	c.netDial = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		ln := make(oneConn, 1)
		ln <- ours
		go (&http.Server{Handler: relay}).Serve(ln)
		return theirs, nil
	}
	begin, err := c.Events(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	k.position = begin.Next
	run(t, c)
	synctest.Wait()
	return k
}

// stores is a relay that stores all that it is given, until its client has left.
func (l *line) stores() {
	l.login()
	for f := l.readAny(); f != nil; f = l.readAny() {
		switch f := f.(type) {
		case *protocol.SharePresence:
			l.stored(f.ID)
		case *protocol.PublishPrekeys:
			l.stored(f.ID)
		case *protocol.SendMessage:
			l.send(&protocol.Receipt{ID: f.ID, Recipient: &f.Recipients[0], State: protocol.ReceiptStored})
		}
	}
}

// sends sends a file of some bytes.
func (k *carried) sends() Message {
	k.t.Helper()
	path := filepath.Join(k.t.TempDir(), "a")
	if err := os.WriteFile(path, []byte("some bytes"), 0o600); err != nil {
		k.t.Fatal(err)
	}
	m, err := k.SendFile(k.t.Context(), "bob", path, "")
	if err != nil {
		k.t.Fatal(err)
	}
	return m
}

// after lets time pass, and returns how a message stands and what was warned of.
func (k *carried) after(d time.Duration, m Message) (Message, []string) {
	k.t.Helper()
	time.Sleep(d)
	_, warnings := gone(k.t, k.Client, &k.position)
	now, err := k.Message(k.t.Context(), m.ID)
	if err != nil {
		k.t.Fatal(err)
	}
	return now, warnings
}

// takes is a relay that takes files.
func takes(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	w.WriteHeader(http.StatusCreated)
}

// refusing is a relay that says a code to every file, and forgets all.
func refusing(code protocol.Code) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		w.Write(protocol.EncodeBody(protocol.HTTPError{Code: code, Message: "so it is"}))
	}
}

// What keeps files from leaving, and does not end, is told once in its own words.
func TestLastingTroubleIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCarried(t, func(w http.ResponseWriter, r *http.Request) { http.Error(w, "what?", http.StatusBadGateway) })
		m := k.sends()
		if _, warnings := k.after(3*time.Second, m); len(warnings) > 0 {
			t.Errorf("warned at once: %q", warnings)
		}
		for _, want := range []int{1, 0} {
			if got, warnings := k.after(time.Hour, m); got.State != Waiting || len(warnings) != want || want > 0 && !strings.Contains(warnings[0], "HTTP status 502") {
				t.Errorf("it is %s, warned of %q", got.State, warnings)
			}
		}
		next := http.HandlerFunc(takes)
		k.answer.Store(&next)
		if got, warnings := k.after(time.Minute, m); len(warnings) > 0 || len(k.session.uploads) > 0 {
			t.Errorf("it is %s, warned of %q", got.State, warnings)
		}
		next = refusing(protocol.CodeUnavailable)
		k.answer.Store(&next)
		if _, warnings := k.after(time.Hour, k.sends()); len(warnings) != 1 {
			t.Errorf("of the next trouble, warned of %q", warnings)
		}
		next = refusing(protocol.CodeRateLimited)
		k.answer.Store(&next)
		if _, warnings := k.after(time.Hour, m); len(warnings) != 0 {
			t.Errorf("of too much at a time, warned of %q", warnings)
		}
	})
}

// A copy is given up for its bytes alone: a clock that is off passes.
func TestBadCopies(t *testing.T) {
	for code, want := range map[protocol.Code]MessageState{protocol.CodeBadFrame: Failed, protocol.CodeStale: Waiting, protocol.CodeMethod: Waiting} {
		synctest.Test(t, func(t *testing.T) {
			k := newCarried(t, refusing(code))
			m := k.sends()
			got, warnings := k.after(time.Hour, m)
			if got.State != want || len(warnings) != map[MessageState]int{Failed: 0, Waiting: 1}[want] {
				t.Errorf("%s: it is %s %q, warned of %q", code, got.State, got.Reason, warnings)
			}
		})
	}
}

// silent is a proxy that does not pass on that a relay would have the bytes.
func silent(w http.ResponseWriter, r *http.Request) {
	conn, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	if _, err := io.CopyN(io.Discard, in, r.ContentLength); err == nil {
		io.WriteString(conn, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")
	}
}

// A file gets through a proxy that never says to go on, and soon.
func TestSilentProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCarried(t, silent)
		if got, warnings := k.after(3*time.Second, k.sends()); got.State != Stored || len(warnings) > 0 {
			t.Errorf("it is %s, warned of %q", got.State, warnings)
		}
	})
}
