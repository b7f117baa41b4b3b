package relay

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// newHandler lays out the HTTP interface.
func (r *Relay) newHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(protocol.PathRegister, r.only(http.MethodPost, r.limited(r.serveRegister)))
	mux.Handle(protocol.PathUsers, r.only(http.MethodGet, r.limited(r.serveUser)))
	mux.Handle(protocol.PathRelay, r.only(http.MethodGet, r.limited(r.serveRelay)))
	mux.Handle(protocol.PathFiles, r.fileMethods(r.limited(r.serveFile)))
	mux.Handle(protocol.PathSocket, r.only(http.MethodGet, r.serveSocket))
	mux.Handle("/healthz", r.only(http.MethodGet, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") }))
	mux.Handle("/readyz", r.only(http.MethodGet, r.serveReady))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { r.httpRefuse(w, protocol.CodeNotFound, "") })
	return r.secureHeaders(r.checkOrigin(mux))
}

// statuses gives the HTTP status of each code that HTTP answers with.
var statuses = map[protocol.Code]int{
	protocol.CodeBadFrame:        http.StatusBadRequest,
	protocol.CodeBadName:         http.StatusBadRequest,
	protocol.CodeBadCertificate:  http.StatusBadRequest,
	protocol.CodeBadPrekey:       http.StatusBadRequest,
	protocol.CodeBadProof:        http.StatusForbidden,
	protocol.CodeStale:           http.StatusForbidden,
	protocol.CodeInviteNeeded:    http.StatusForbidden,
	protocol.CodeBadInvite:       http.StatusForbidden,
	protocol.CodeClosed:          http.StatusForbidden,
	protocol.CodeSuspended:       http.StatusForbidden,
	protocol.CodeForeignOrigin:   http.StatusForbidden,
	protocol.CodeUnknownUser:     http.StatusNotFound,
	protocol.CodeNotFound:        http.StatusNotFound,
	protocol.CodeMethod:          http.StatusMethodNotAllowed,
	protocol.CodeTaken:           http.StatusConflict,
	protocol.CodeOlderDevice:     http.StatusConflict,
	protocol.CodeTooLarge:        http.StatusRequestEntityTooLarge,
	protocol.CodeUnsupportedType: http.StatusUnsupportedMediaType,
	protocol.CodeNoFile:          http.StatusNotFound,
	protocol.CodeFilesFull:       http.StatusInsufficientStorage,
	protocol.CodeRelayFull:       http.StatusInsufficientStorage,
	protocol.CodeRateLimited:     http.StatusTooManyRequests,
	protocol.CodeUnavailable:     http.StatusServiceUnavailable,
}

// httpRefuse answers with an error. An empty text means that of the code.
func (r *Relay) httpRefuse(w http.ResponseWriter, code protocol.Code, text string) {
	if text == "" {
		text = refusals[code]
	}
	r.counters.add(counterOf(code))
	answer(w, statuses[code], protocol.HTTPError{Code: code, Message: text})
}

// httpStoreError answers for a store that has failed.
func (r *Relay) httpStoreError(w http.ResponseWriter, hop string, err error) {
	r.storeError(hop, err)
	r.httpRefuse(w, protocol.CodeUnavailable, "")
}

func answer(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(protocol.EncodeBody(body))
}

// corsMaxAge is how long, in seconds, a browser may remember a preflight.
const corsMaxAge = "600"

// checkOrigin refuses browsers that run a page of an origin which the operator
// has not named, and answers those of the others. Clients without an Origin
// are no browsers.
func (r *Relay) checkOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Add("Vary", "Origin")
		origins := req.Header["Origin"]
		if len(origins) > 0 {
			if len(origins) > 1 || !slices.Contains(r.origins, origins[0]) {
				r.counters.add(CountForeignOrigin)
				r.httpRefuse(w, protocol.CodeForeignOrigin, "")
				return
			}
			w.Header().Set("Access-Control-Allow-Origin", origins[0])
		}
		next.ServeHTTP(w, req)
	})
}

// only admits one method, and a browser's question whether it is admitted.
func (r *Relay) only(method string, serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch {
		case req.Method == method:
			serve(w, req)
		case isPreflight(req):
			preflight(w, method, "Content-Type")
		default:
			w.Header().Set("Allow", method)
			r.httpRefuse(w, protocol.CodeMethod, "")
		}
	})
}

// isPreflight reports whether a browser asks what is admitted.
func isPreflight(req *http.Request) bool {
	return req.Method == http.MethodOptions && req.Header.Get("Origin") != "" && req.Header.Get("Access-Control-Request-Method") != ""
}

func preflight(w http.ResponseWriter, methods, headers string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", headers)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	w.WriteHeader(http.StatusNoContent)
}

func (r *Relay) serveReady(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	ending := r.ending != nil
	r.mu.Unlock()
	if ending || r.mailboxes.Ready(req.Context()) != nil {
		r.httpRefuse(w, protocol.CodeUnavailable, "")
		return
	}
	io.WriteString(w, "ok\n")
}

func (r *Relay) serveRelay(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, protocol.RelayInfo{Version: protocol.Version, Relay: r.public, Nonce: r.nonces.Make(time.Now())})
}

func (r *Relay) serveUser(w http.ResponseWriter, req *http.Request) {
	query, err := url.ParseQuery(req.URL.RawQuery)
	names := query["username"]
	if err != nil || len(names) != 1 || len(query) != 1 {
		r.httpRefuse(w, protocol.CodeBadName, "the query is ?username=NAME")
		return
	}
	name, err := crypto.ParseUsername(names[0])
	if err != nil {
		r.httpRefuse(w, protocol.CodeBadName, "")
		return
	}
	cert, err := r.user(req.Context(), name)
	switch {
	case errors.Is(err, ErrNotFound):
		r.httpRefuse(w, protocol.CodeUnknownUser, "")
	case err != nil:
		r.httpStoreError(w, "look-up of a user", err)
	default:
		answer(w, http.StatusOK, userInfo(cert))
	}
}

func userInfo(c crypto.Certificate) protocol.UserInfo {
	return protocol.UserInfo{Username: c.User, PublicKey: c.Box, Certificate: c}
}

// readBody reads a JSON body strictly into v, or answers why not.
func (r *Relay) readBody(w http.ResponseWriter, req *http.Request, v any) bool {
	if kind, _, err := mime.ParseMediaType(req.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		r.httpRefuse(w, protocol.CodeUnsupportedType, "")
		return false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, protocol.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		r.httpRefuse(w, protocol.CodeTooLarge, "")
		return false
	}
	if err != nil {
		r.httpRefuse(w, protocol.CodeBadFrame, "the body cannot be read")
		return false
	}
	var refusal *protocol.Refusal
	if errors.As(protocol.DecodeBody(body, v), &refusal) {
		r.httpRefuse(w, refusal.Code, refusal.Text)
		return false
	}
	return true
}

// upgrader turns a request into a WebSocket. Small buffers, shared for
// writing, and no compression keep an idle connection at a few kilobytes.
// Origins were checked before.
var upgrader = websocket.Upgrader{
	HandshakeTimeout: protocol.WriteTimeout,
	ReadBufferSize:   512,
	WriteBufferSize:  4096,
	WriteBufferPool:  new(sync.Pool),
	CheckOrigin:      func(*http.Request) bool { return true },
}

// serveSocket gives the connection to a goroutine of its own and returns, so
// that net/http frees what it holds.
func (r *Relay) serveSocket(w http.ResponseWriter, req *http.Request) {
	if !websocket.IsWebSocketUpgrade(req) {
		r.httpRefuse(w, protocol.CodeBadFrame, "this is a WebSocket")
		return
	}
	who := r.client(req)
	if after, ok := r.limiters.ConnectsOf.Allow(time.Now(), who); !ok {
		r.tooMany(w, after)
		return
	}
	if ok, crowded := r.admit(who); crowded {
		r.tooMany(w, fullRetry)
		return
	} else if !ok {
		r.httpRefuse(w, protocol.CodeUnavailable, "")
		return
	}
	up := upgrader
	up.Error = func(w http.ResponseWriter, _ *http.Request, _ int, _ error) {
		w.Header().Set("Sec-Websocket-Version", "13")
		r.httpRefuse(w, protocol.CodeBadFrame, "not a WebSocket handshake that this relay knows")
	}
	keeper := &gatekeeper{ResponseWriter: w}
	ws, err := up.Upgrade(keeper, req, nil)
	if err != nil {
		r.decided(who)
		r.leave(nil, who)
		return
	}
	c := newConn(r, ws, keeper.gate)
	c.who = who
	r.enter(c)
	go c.run()
}
