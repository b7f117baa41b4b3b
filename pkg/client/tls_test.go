package client

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// Who met a relay by the word of a public authority takes its own certificate,
// too, and no other.
func TestOwnCertificateIsEnough(t *testing.T) {
	f := newFakeHTTP(t)
	f.answer("GET "+protocol.PathUsers, 404, protocol.HTTPError{Code: protocol.CodeUnknownUser, Message: "nobody"})
	another := crypto.NewRelayPrivate()
	for name, tt := range map[string]struct {
		server Server
		want   error
		words  string
	}{
		"its own":            {f.server, nil, ""},
		"another's":          {f.serve(t, another, false), ErrKeyChanged, "neither its relay's own nor that of a public authority"},
		"another's, expired": {f.serveSince(t, another, false, time.Now().Add(-2*crypto.TLSLifetime)), ErrUnreachable, "clock of this machine"},
	} {
		tt.server.WebPKI = true
		wants(t, name, Free(t.Context(), tt.server, f.key.Public(), "bob"), tt.want, tt.words)
	}
}

// changed is a relay that was met by its own certificate, and has got another for
// its name since. It shows its own to who names another, if it has that still.
func (f *fakeHTTP) changed(t *testing.T, own bool) (s Server, asked func() []string) {
	t.Helper()
	certs := map[bool]tls.Certificate{}
	for public, key := range map[bool]crypto.RelayPrivate{true: crypto.NewRelayPrivate(), false: f.key} {
		cert, err := crypto.MakeTLSCertificate(key, []string{"localhost"}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		certs[public] = cert
	}
	var mu sync.Mutex
	var names []string
	srv := httptest.NewUnstartedServer(f)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		mu.Lock()
		defer mu.Unlock()
		names = append(names, hello.ServerName)
		return &tls.Config{Certificates: []tls.Certificate{certs[hello.ServerName != nobodys || !own]}}, nil
	}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	s, err := ParseServer(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.Host, s.Pin = "localhost", f.key.Public().Fingerprint()
	return s, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return names
	}
}

// A relay that has got a public certificate is asked for its own, and nothing else
// counts.
func TestAskedByNobodysName(t *testing.T) {
	f := newFakeHTTP(t)
	k, first := f.keys(t, "alice")
	f.answer("POST "+protocol.PathRegister, 201, protocol.UserInfo{Username: "alice", PublicKey: k.Box.Public(), Certificate: k.Certificate})
	s, asked := f.changed(t, true)
	k.Server = s
	wants(t, "its own is there", Register(t.Context(), k, first), nil)
	if got := asked(); !slices.Equal(got, []string{"localhost", nobodys, "localhost", nobodys}) {
		t.Errorf("two requests have asked for %q", got)
	}
	k.Server.WebPKI = true
	wants(t, "nobody vouches for the other any more", Register(t.Context(), k, first), nil)
	k.Server, asked = f.changed(t, false)
	wants(t, "its own is gone", Register(t.Context(), k, first), ErrKeyChanged, "does not prove the key")
	if got := asked(); !slices.Equal(got, []string{"localhost", nobodys}) {
		t.Errorf("it has asked for %q", got)
	}
}

// Who meets a relay whose certificate nobody vouches for, such as one of a private
// authority, is shown its own, too.
func TestMeetByNobodysName(t *testing.T) {
	f := newFakeHTTP(t)
	for _, own := range []bool{true, false} {
		s, asked := f.changed(t, own)
		met, key, err := Meet(t.Context(), s)
		if own && (err != nil || met != s || key != f.key.Public()) {
			t.Errorf("its own is there: %+v, %v", met, err)
		} else if !own {
			wants(t, "its own is gone", err, ErrKeyChanged, "neither its relay's own nor that of a public authority")
		}
		if got := asked(); !slices.Equal(got, []string{"localhost", nobodys}) {
			t.Errorf("it has asked for %q", got)
		}
	}
}

// Where only who names the relay is answered, as by many proxies, what counts is
// the certificate that was shown.
func TestAskedByNobodysNameInVain(t *testing.T) {
	f := newFakeHTTP(t)
	cert, err := crypto.MakeTLSCertificate(crypto.NewRelayPrivate(), []string{"localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(f)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.TLS = &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if hello.ServerName != "localhost" {
			return nil, errors.New("no certificate for that")
		}
		return &cert, nil
	}}
	srv.StartTLS()
	t.Cleanup(srv.Close)
	s, err := ParseServer(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.Host = "localhost"
	_, _, c := newScript(t)
	c.netDial, c.session.keys.Server = nil, s
	_, err = c.dial(t.Context())
	wants(t, "a connection", err, ErrKeyChanged, "does not prove the key")
	_, err = LookUp(t.Context(), s, f.key.Public(), "bob")
	wants(t, "a request", err, ErrKeyChanged, "does not prove the key")
}
