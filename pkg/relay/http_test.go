package relay_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/internal/relaystore/storetest"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// expectHTTP makes a request that must be refused.
func (w *world) expectHTTP(req *http.Request, status int, code protocol.Code) http.Header {
	w.t.Helper()
	got, header, body := w.do(req)
	e := decode[protocol.HTTPError](w.t, body)
	if got != status || e.Code != code || e.Message == "" {
		w.t.Fatalf("%s %s: wanted %d %s, got %d %s", req.Method, req.URL.Path, status, code, got, body)
	}
	return header
}

func (w *world) post(b protocol.RegisterRequest) *http.Request {
	w.t.Helper()
	return w.request("POST", protocol.PathRegister, string(protocol.EncodeBody(b)))
}

func TestRegister(t *testing.T) {
	w := newWorld(t)
	alice := newPerson(w.key.Public(), "alice")
	for _, want := range []int{http.StatusCreated, http.StatusOK, http.StatusOK} {
		status, _, body := w.do(w.post(w.registration(alice)))
		if got := decode[protocol.UserInfo](t, body); status != want || got.Certificate.Hash() != alice.cert.Hash() {
			t.Fatalf("wanted %d and the user, got %d %s", want, status, body)
		}
	}
	w.expectHTTP(w.post(w.registration(newPerson(w.key.Public(), "alice"))), http.StatusConflict, protocol.CodeTaken)
	first := alice.signed
	alice.signed = alice.prekey(crypto.PrekeySigned, 2) // comes too late: what is there stays
	if status, _, body := w.do(w.post(w.registration(alice))); status != http.StatusOK {
		t.Errorf("again with another prekey: %d %s", status, body)
	}
	storetest.Left(t, w.store, alice.addr(), relay.RawPrekey{ID: first.ID, Raw: first.Raw()})

	status, _, body := w.do(w.request("GET", protocol.PathUsers+"?username=alice", ""))
	got := decode[protocol.UserInfo](t, body)
	if status != http.StatusOK || got.Username != "alice" || got.PublicKey != alice.cert.Box || got.Certificate.Hash() != alice.cert.Hash() {
		t.Fatalf("look-up: %d %s", status, body)
	}
}

func TestAttackRegistration(t *testing.T) {
	w := newWorld(t, func(c *relay.Config) { c.Hosts = []string{"Relay.Example.org", host} })
	evil := newPerson(w.key.Public(), "mallory")
	for name, c := range map[string]struct {
		change func(p *person, b *protocol.RegisterRequest)
		status int
		code   protocol.Code
	}{
		"no certificate of this relay": {func(_ *person, b *protocol.RegisterRequest) {
			p := newPerson(crypto.NewRelayPrivate().Public(), "alice")
			b.Certificate, b.PublicKey = p.cert, p.cert.Box
		}, 400, protocol.CodeBadCertificate},
		"another name":             {func(_ *person, b *protocol.RegisterRequest) { b.Username = "bob" }, 400, protocol.CodeBadCertificate},
		"another box key":          {func(_ *person, b *protocol.RegisterRequest) { b.PublicKey = evil.cert.Box }, 400, protocol.CodeBadCertificate},
		"a forged nonce":           {func(_ *person, b *protocol.RegisterRequest) { b.Nonce[3] ^= 1 }, 403, protocol.CodeStale},
		"a short nonce":            {func(_ *person, b *protocol.RegisterRequest) { b.Nonce = b.Nonce[:5] }, 403, protocol.CodeStale},
		"another account's proof":  {func(_ *person, b *protocol.RegisterRequest) { b.AccountSignature = b.DeviceSignature }, 403, protocol.CodeBadProof},
		"another device's proof":   {func(_ *person, b *protocol.RegisterRequest) { b.DeviceSignature = b.AccountSignature }, 403, protocol.CodeBadProof},
		"a proof for another host": {func(_ *person, b *protocol.RegisterRequest) { b.Host = "relay.example.org" }, 403, protocol.CodeBadProof},
		"a host that is not ours": {func(p *person, b *protocol.RegisterRequest) {
			p.host = "evil.example.org"
			*b = w.registration(p)
		}, 403, protocol.CodeBadProof},
		"no prekey":             {func(_ *person, b *protocol.RegisterRequest) { b.SignedPrekey = nil }, 400, protocol.CodeBadFrame},
		"what is no prekey":     {func(_ *person, b *protocol.RegisterRequest) { b.SignedPrekey = b.SignedPrekey[1:] }, 400, protocol.CodeBadPrekey},
		"a prekey, one bit off": {func(_ *person, b *protocol.RegisterRequest) { b.SignedPrekey[99] ^= 1 }, 400, protocol.CodeBadPrekey},
		"another device's prekey": {func(p *person, b *protocol.RegisterRequest) {
			p.signed = evil.signed
			*b = w.registration(p)
		}, 400, protocol.CodeBadPrekey},
		"a prekey that another device has signed": {func(p *person, b *protocol.RegisterRequest) {
			p.signed = crypto.NewPrekey(crypto.PrekeySigned, 1, time.Now()).Sign(p.cert, evil.device)
			*b = w.registration(p)
		}, 400, protocol.CodeBadPrekey},
		"a one-time prekey": {func(p *person, b *protocol.RegisterRequest) {
			p.signed = p.prekey(crypto.PrekeyOneTime, 1)
			*b = w.registration(p)
		}, 400, protocol.CodeBadPrekey},
		"a prekey swapped after the proof": {func(p *person, b *protocol.RegisterRequest) {
			b.SignedPrekey = p.prekey(crypto.PrekeySigned, 1).Raw()
		}, 403, protocol.CodeBadProof},
		"a clock far ahead": {func(p *person, b *protocol.RegisterRequest) {
			c := p.cert
			c.Created = time.Now().Add(25 * time.Hour)
			b.Certificate = crypto.NewCertificate(p.account, c)
		}, 400, protocol.CodeBadCertificate},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPerson(w.key.Public(), "alice")
			b := w.registration(p)
			b.SignedPrekey = slices.Clone(b.SignedPrekey)
			c.change(p, &b)
			w.expectHTTP(w.post(b), c.status, c.code)
		})
	}
	w.expectHTTP(w.request("GET", protocol.PathUsers+"?username=alice", ""), http.StatusNotFound, protocol.CodeUnknownUser)
}

func TestRegisterBodies(t *testing.T) {
	w := newWorld(t)
	good := string(protocol.EncodeBody(w.registration(newPerson(w.key.Public(), "alice"))))
	for name, body := range map[string]string{
		"not JSON":         "username=alice",
		"no object":        "[]",
		"empty object":     "{}",
		"two values":       good + "{}",
		"doubled member":   strings.Replace(good, `{`, `{"username":"alice",`, 1),
		"unknown member":   strings.Replace(good, `{`, `{"admin":true,`, 1),
		"wrongly cased":    strings.Replace(good, `"username"`, `"Username"`, 1),
		"bad name":         strings.Replace(good, `"alice"`, `"Al"`, 1),
		"bad UTF-8":        strings.Replace(good, `"alice"`, "\"\xff\"", 1),
		"broken signature": strings.Replace(good, `"certificate":"`, `"certificate":"AA`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			w.expectHTTP(w.request("POST", protocol.PathRegister, body), http.StatusBadRequest, protocol.CodeBadFrame)
		})
	}
	big := w.request("POST", protocol.PathRegister, strings.Repeat(" ", protocol.MaxBody+1))
	w.expectHTTP(big, http.StatusRequestEntityTooLarge, protocol.CodeTooLarge)
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "/"} {
		req := w.request("POST", protocol.PathRegister, good)
		req.Header.Set("Content-Type", kind)
		w.expectHTTP(req, http.StatusUnsupportedMediaType, protocol.CodeUnsupportedType)
	}
	req := w.request("POST", protocol.PathRegister, good)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if status, _, body := w.do(req); status != http.StatusCreated {
		t.Fatalf("the good one: %d %s", status, body)
	}
}

func TestHTTPRefuses(t *testing.T) {
	w := newWorld(t)
	for _, query := range []string{"", "?username=", "?username=Bob", "?username=ab", "?username=bob&username=bob", "?name=bob", "?username=bob&x=1", "?username=%zz"} {
		w.expectHTTP(w.request("GET", protocol.PathUsers+query, ""), http.StatusBadRequest, protocol.CodeBadName)
	}
	w.expectHTTP(w.request("GET", protocol.PathUsers+"?username=nobody", ""), http.StatusNotFound, protocol.CodeUnknownUser)
	for _, path := range []string{"/", "/api", "/api/", "/api/users/bob", "/metrics"} {
		w.expectHTTP(w.request("GET", path, ""), http.StatusNotFound, protocol.CodeNotFound)
	}
	for path, allowed := range map[string]string{
		protocol.PathRegister: "POST", protocol.PathUsers: "GET", protocol.PathRelay: "GET",
		protocol.PathSocket: "GET", "/healthz": "GET", "/readyz": "GET",
	} {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			if method == allowed {
				continue
			}
			h := w.expectHTTP(w.request(method, path, ""), http.StatusMethodNotAllowed, protocol.CodeMethod)
			if h.Get("Allow") != allowed {
				t.Errorf("%s %s allows %q", method, path, h.Get("Allow"))
			}
		}
	}
	w.expectHTTP(w.request("GET", protocol.PathSocket, ""), http.StatusBadRequest, protocol.CodeBadFrame)
	old := w.request("GET", protocol.PathSocket, "")
	old.Header.Set("Connection", "upgrade")
	old.Header.Set("Upgrade", "websocket")
	old.Header.Set("Sec-Websocket-Version", "8")
	w.expectHTTP(old, http.StatusBadRequest, protocol.CodeBadFrame)
	w.register("alice") // refusals leave no place taken
}

func TestRelayInfo(t *testing.T) {
	w := newWorld(t)
	status, h, body := w.do(w.request("GET", protocol.PathRelay, ""))
	info := decode[protocol.RelayInfo](t, body)
	if status != http.StatusOK || info.Relay != w.key.Public() || info.Version != protocol.Version || h.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", status, h, body)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, _, body := w.do(w.request("GET", path, "")); status != http.StatusOK || string(body) != "ok\n" {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

func TestOrigins(t *testing.T) {
	const ours, foreign = "https://chat.example.org", "https://evil.example.org"
	w := newWorld(t, func(c *relay.Config) { c.Origins = []string{ours} })
	from := func(origin, method, path string) *http.Request {
		req := w.request(method, path, "")
		req.Header.Set("Origin", origin)
		return req
	}
	preflight := from(ours, "OPTIONS", protocol.PathRegister)
	preflight.Header.Set("Access-Control-Request-Method", "POST")
	status, h, _ := w.do(preflight)
	if status != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != ours || h.Get("Access-Control-Allow-Methods") != "POST" ||
		h.Get("Access-Control-Allow-Headers") != "Content-Type" || h.Get("Vary") != "Origin" {
		t.Fatalf("preflight: %d %v", status, h)
	}
	if status, h, _ := w.do(from(ours, "GET", protocol.PathRelay)); status != http.StatusOK || h.Get("Access-Control-Allow-Origin") != ours {
		t.Fatalf("our origin: %d %v", status, h)
	}
	for _, origin := range []string{foreign, "null", ours + ".evil.org", strings.ToUpper(ours), "http://chat.example.org"} {
		for _, path := range []string{protocol.PathRelay, protocol.PathRegister, protocol.PathSocket, "/healthz"} {
			h := w.expectHTTP(from(origin, "OPTIONS", path), http.StatusForbidden, protocol.CodeForeignOrigin)
			if h.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s is allowed", origin)
			}
		}
	}
	two := from(ours, "GET", protocol.PathRelay)
	two.Header.Add("Origin", foreign)
	w.expectHTTP(two, http.StatusForbidden, protocol.CodeForeignOrigin)

	for origin, want := range map[string]int{ours: http.StatusSwitchingProtocols, foreign: http.StatusForbidden} {
		ws, resp, err := websocket.DefaultDialer.Dial("ws://"+w.addr+protocol.PathSocket, http.Header{"Origin": {origin}})
		if resp == nil || resp.StatusCode != want {
			t.Fatalf("WebSocket of %s: %v %v", origin, resp, err)
		}
		resp.Body.Close()
		if ws != nil {
			ws.Close()
		}
	}
}

func TestPlaces(t *testing.T) {
	w := newWorld(t, func(c *relay.Config) { c.Limits.Connections, c.Limits.PendingLogins = 2, 1 })
	alice := w.register("alice")
	refused := func() {
		t.Helper()
		_, resp, err := websocket.DefaultDialer.Dial("ws://"+w.addr+protocol.PathSocket, nil)
		if err == nil || resp == nil || resp.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("wanted 503, got %v %v", resp, err)
		}
		resp.Body.Close()
	}
	a := w.login(alice)
	a.expectNothing() // its place among those who log in is free
	p := w.dial()
	expect[*protocol.Challenge](p)
	refused() // one logs in already, and two are here
	a.ws.Close()
	refused() // one logs in already
	p.ws.Close()
	counts := w.relay.Snapshot()
	if counts[relay.CountFull]+counts[relay.CountPendingFull] != 2 {
		t.Errorf("counted %d and %d", counts[relay.CountFull], counts[relay.CountPendingFull])
	}
}
