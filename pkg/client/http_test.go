package client

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// fakeHTTP is a relay's HTTP interface on loopback, behind TLS by the relay's
// own key, that answers what a test says.
type fakeHTTP struct {
	*http.ServeMux
	key    crypto.RelayPrivate
	server Server
}

func newFakeHTTP(t *testing.T) *fakeHTTP {
	f := &fakeHTTP{ServeMux: http.NewServeMux(), key: crypto.NewRelayPrivate()}
	f.server = f.serve(t, f.key, false)
	f.server.Pin = f.key.Public().Fingerprint()
	f.answer("GET "+protocol.PathRelay, 200, f.info())
	return f
}

// serve starts a server under the TLS certificate of a relay's key.
func (f *fakeHTTP) serve(t *testing.T, key crypto.RelayPrivate, plain bool) Server {
	t.Helper()
	return f.serveSince(t, key, plain, time.Now())
}

// serveSince serves with a certificate that was made at a time.
func (f *fakeHTTP) serveSince(t *testing.T, key crypto.RelayPrivate, plain bool, made time.Time) Server {
	t.Helper()
	srv := httptest.NewUnstartedServer(f)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	if plain {
		srv.Start()
	} else {
		cert, err := crypto.MakeTLSCertificate(key, []string{"127.0.0.1"}, made)
		if err != nil {
			t.Fatal(err)
		}
		srv.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		srv.StartTLS()
	}
	t.Cleanup(srv.Close)
	s, err := ParseServer(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *fakeHTTP) info() protocol.RelayInfo {
	return protocol.RelayInfo{Version: protocol.Version, Relay: f.key.Public(), Nonce: []byte("a nonce of the relay")}
}

func (f *fakeHTTP) answer(pattern string, status int, body any) {
	f.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		if s, ok := body.(string); ok {
			io.WriteString(w, s)
		} else {
			w.Write(protocol.EncodeBody(body))
		}
	})
}

func (f *fakeHTTP) keys(t *testing.T, name string) (Keys, crypto.PrekeyPrivate) {
	t.Helper()
	k, first, err := NewKeys(f.server, f.key.Public(), name, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return k, first
}

func wants(t *testing.T, what string, err, code error, words ...string) {
	t.Helper()
	if !errors.Is(err, code) {
		t.Errorf("%s: got %v, want %v", what, err, code)
		return
	}
	for _, w := range words {
		if err != nil && !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %q does not say %q", what, err, w)
		}
	}
	if err != nil && strings.ContainsAny(err.Error(), "\x1b\n") {
		t.Errorf("%s: the error holds bytes of the relay: %q", what, err)
	}
}

func TestMeet(t *testing.T) {
	f := newFakeHTTP(t)
	unknown := f.server
	unknown.Pin = ""
	s, key, err := Meet(t.Context(), unknown)
	if err != nil || s != f.server || key != f.key.Public() {
		t.Errorf("got %+v, %v", s, err)
	}
	plain := f.serve(t, f.key, true)
	if s, _, err = Meet(t.Context(), plain); err != nil || s.Pin != f.server.Pin {
		t.Errorf("plain: %+v, %v", s, err)
	}
	pinned := f.server
	pinned.Pin = crypto.NewRelayPrivate().Public().Fingerprint()
	_, _, err = Meet(t.Context(), pinned)
	wants(t, "another pin", err, ErrKeyChanged, string(f.server.Pin), string(pinned.Pin))

	between := f.serve(t, crypto.NewRelayPrivate(), false)
	_, _, err = Meet(t.Context(), between)
	wants(t, "another's TLS", err, ErrKeyChanged, "stand in between")

	overTLS := plain
	overTLS.Plain = false
	_, _, err = Meet(t.Context(), overTLS)
	wants(t, "TLS to a plain relay", err, ErrUnreachable, "ws://")

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	nobody, _ := ParseServer("ws://" + ln.Addr().String())
	_, _, err = Meet(t.Context(), nobody)
	wants(t, "nobody", err, ErrUnreachable, "nothing listens there")

	over, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err = Meet(over, f.server)
	wants(t, "cancelled", err, context.Canceled)
}

func TestMeetOthers(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   any
		words  string
	}{
		"another version": {200, protocol.RelayInfo{Version: protocol.Version + 1, Relay: crypto.NewRelayPrivate().Public(), Nonce: []byte("x")}, "version 4"},
		"a web page":      {200, "<html>hello</html>", "not like a relay"},
		"another's 404":   {404, "not found", "status 404"},
		"a redirect":      {302, "", "not like a relay"},
		"without end":     {200, strings.Repeat(" ", protocol.MaxBody) + "{}", "not like a relay"},
		"hostile error":   {400, protocol.HTTPError{Code: "odd", Message: "\x1b]0;x\a\n"}, "refused (odd): ?]0;x??"},
	} {
		f := &fakeHTTP{ServeMux: http.NewServeMux()}
		f.answer("GET "+protocol.PathRelay, tt.status, tt.body)
		_, _, err := Meet(t.Context(), f.serve(t, f.key, true))
		want := ErrUnreachable
		if name == "hostile error" || name == "another version" { // those are relays
			want = ErrRefused
		}
		wants(t, name, err, want, tt.words)
	}
}

func TestRegister(t *testing.T) {
	f := newFakeHTTP(t)
	k, first := f.keys(t, "alice")
	f.HandleFunc("POST "+protocol.PathRegister, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var req protocol.RegisterRequest
		if err := protocol.DecodeBody(body, &req); err != nil {
			t.Error(err)
		}
		prekey, err := crypto.ParsePrekey(req.SignedPrekey, req.Certificate)
		if err != nil || prekey.Kind != crypto.PrekeySigned || prekey.Hash() != first.Hash(k.Certificate) {
			t.Errorf("a bad prekey: %v", err)
		}
		proof := crypto.Registration{Host: "127.0.0.1", Certificate: req.Certificate, Prekey: prekey, RelayNonce: f.info().Nonce}
		if r.Header.Get("Content-Type") != "application/json" || req.Username != "alice" || req.PublicKey != k.Box.Public() ||
			req.Host != "127.0.0.1" || !proof.Verify(req.AccountSignature, req.DeviceSignature) {
			t.Errorf("a bad registration: %+v", req)
		}
		w.WriteHeader(http.StatusCreated)
		w.Write(protocol.EncodeBody(protocol.UserInfo{Username: req.Username, PublicKey: req.PublicKey, Certificate: req.Certificate}))
	})
	if err := Register(t.Context(), k, first); err != nil {
		t.Error(err)
	}
	swapped := k
	swapped.Relay = crypto.NewRelayPrivate().Public()
	wants(t, "TLS of another relay", Register(t.Context(), swapped, first), ErrKeyChanged)
	swapped.Server = f.serve(t, f.key, true)
	wants(t, "another relay without TLS", Register(t.Context(), swapped, first), ErrKeyChanged)
}

func TestRegisterRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		code   protocol.Code
		want   error
		words  string
	}{
		"taken":       {409, protocol.CodeTaken, ErrTaken, "another one"},
		"unavailable": {503, protocol.CodeUnavailable, ErrUnreachable, "Try again later"},
		"bad proof":   {403, protocol.CodeBadProof, ErrRefused, "bad_proof"},
	} {
		f := newFakeHTTP(t)
		f.answer("POST "+protocol.PathRegister, tt.status, protocol.HTTPError{Code: tt.code, Message: "no"})
		k, first := f.keys(t, "alice")
		wants(t, name, Register(t.Context(), k, first), tt.want, tt.words)
	}
}

// A relay that sends its clients elsewhere is not followed.
func TestNoRedirects(t *testing.T) {
	f := newFakeHTTP(t)
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("followed") }))
	defer elsewhere.Close()
	f.Handle("POST "+protocol.PathRegister, http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	f.Handle("GET "+protocol.PathUsers, http.RedirectHandler(elsewhere.URL, http.StatusFound))
	k, first := f.keys(t, "alice")
	wants(t, "Register", Register(t.Context(), k, first), ErrUnreachable)
	wants(t, "Free", Free(t.Context(), k.Server, k.Relay, "bob"), ErrUnreachable)
}

// A certificate of the right relay that is not for today is no alarm.
func TestClockIsWrong(t *testing.T) {
	for name, off := range map[string]time.Duration{"expired": -2 * crypto.TLSLifetime, "not yet": 48 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			f := newFakeHTTP(t)
			k, _ := f.keys(t, "alice")
			k.Server = f.serveSince(t, f.key, false, time.Now().Add(off))
			err := Free(t.Context(), k.Server, k.Relay, "bob")
			wants(t, "look-up", err, ErrUnreachable)
			if !strings.Contains(err.Error(), "clock of this machine") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// A relay behind TLS of another key gets not even a greeting.
func TestRunRefusesForeignTLS(t *testing.T) {
	f := newFakeHTTP(t)
	f.HandleFunc(protocol.PathSocket, func(http.ResponseWriter, *http.Request) { t.Error("the client said something") })
	k, first := f.keys(t, "alice")
	k.Server = f.serve(t, crypto.NewRelayPrivate(), false)
	c, err := New(NewMemStore(k, first))
	if err != nil {
		t.Fatal(err)
	}
	var position uint64
	run(t, c)
	err = Await(t.Context(), c, &position, func([]Event) (bool, error) {
		st, err := c.Status(t.Context())
		return st.Code == CodeKeyChanged && strings.Contains(st.Reason, "does not prove the key"), err
	})
	if err != nil {
		t.Error(err)
	}
}
