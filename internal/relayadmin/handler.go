package relayadmin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/pprof"
	"runtime"
	"strconv"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// Config is what a handler serves.
type Config struct {
	Relay    *relay.Relay
	Accounts relay.Accounts
	Invites  relay.Invites
	Describe func() Relay
	Held     func() relaystore.Held
}

type handler struct{ Config }

// NewHandler serves what the package comment lists.
func NewHandler(cfg Config) *http.ServeMux {
	h := handler{cfg}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /relay", serve(func(*http.Request) (any, error) { return h.Describe(), nil }))
	mux.HandleFunc("GET /users", serve(h.users))
	mux.HandleFunc("GET /users/{name}", serve(h.user))
	mux.HandleFunc("POST /users/{name}/suspend", serve(h.act(h.Relay.Suspend)))
	mux.HandleFunc("POST /users/{name}/resume", serve(h.act(h.Relay.Resume)))
	mux.HandleFunc("DELETE /users/{name}", serve(h.act(h.Relay.Remove)))
	mux.HandleFunc("GET /invites", serve(h.invites))
	mux.HandleFunc("POST /invites", serve(h.invite))
	mux.HandleFunc("DELETE /invites/{id}", serve(h.revoke))
	mux.HandleFunc("GET /stats", serve(h.stats))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}

// refused is an error of the caller's.
type refused struct {
	status int
	text   string
}

func (r *refused) Error() string { return r.text }

// serve answers with what a function returns.
func serve(do func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		answer, err := do(req)
		status := http.StatusOK
		var r *refused
		switch {
		case errors.As(err, &r):
			status, answer = r.status, refusal{r.text}
		case err != nil:
			status, answer = http.StatusInternalServerError, refusal{"The relay could not do it: " + err.Error()}
		}
		reply(w, status, answer)
	}
}

func reply(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.MarshalWrite(w, answer)
}

// Refuse answers with a reason, which Refused reads.
func Refuse(w http.ResponseWriter, status int, why string) { reply(w, status, refusal{why}) }

func (h handler) users(req *http.Request) (any, error) {
	query := req.URL.Query()
	n, err := strconv.Atoi(query.Get("max"))
	if err != nil || n < 1 || n > maxPage {
		return nil, &refused{http.StatusBadRequest, fmt.Sprintf("A page has from 1 to %d users.", maxPage)}
	}
	accounts, err := h.Accounts.Accounts(req.Context(), crypto.Username(query.Get("after")), n)
	if err != nil {
		return nil, err
	}
	page := make([]User, len(accounts))
	for i, a := range accounts {
		if page[i], err = h.describe(req.Context(), a); err != nil {
			return nil, err
		}
	}
	return page, nil
}

func (h handler) user(req *http.Request) (any, error) {
	name := crypto.Username(req.PathValue("name"))
	a, err := h.Accounts.Account(req.Context(), name)
	if err != nil {
		return nil, nobody(name, err)
	}
	u, err := h.describe(req.Context(), a)
	if err != nil {
		return nil, err
	}
	files, err := h.Accounts.FilesOf(req.Context(), name)
	for _, f := range files {
		u.Files++
		u.FileBytes += f.Size
	}
	return u, err
}

func (h handler) describe(ctx context.Context, a relay.Account) (User, error) {
	c := a.Certificate
	use, err := h.Accounts.MailboxUse(ctx, c.Address())
	u := User{
		Name: c.User, Fingerprint: c.Account.Fingerprint(), Device: c.Device, Since: c.Created.UTC(),
		Online: h.Relay.Connected(c.Address()), Waiting: use.Entries + use.Receipts, WaitBytes: use.Bytes,
	}
	if a.Suspended != 0 {
		u.Suspended = a.Suspended.Time().UTC()
	}
	return u, err
}

// act makes a call about the user that the path names.
func (h handler) act(do func(context.Context, crypto.Username) error) func(*http.Request) (any, error) {
	return func(req *http.Request) (any, error) {
		name := crypto.Username(req.PathValue("name"))
		if err := do(req.Context(), name); err != nil {
			return nil, nobody(name, err)
		}
		return struct{}{}, nil
	}
}

func nobody(name crypto.Username, err error) error {
	if errors.Is(err, relay.ErrNotFound) {
		return &refused{http.StatusNotFound, fmt.Sprintf("There is no user %q here. See: server users list", string(name))}
	}
	return err
}

func (h handler) invites(req *http.Request) (any, error) {
	held, err := h.Invites.Invites(req.Context())
	list := make([]Invite, len(held))
	for i, x := range held {
		list[i] = describeInvite(x)
	}
	return list, err
}

func describeInvite(i relay.Invite) Invite {
	return Invite{ID: i.Hash.ID(), Created: i.Created.Time().UTC(), Expires: i.Expires.Time().UTC(), Uses: i.Uses, Left: i.Left, Note: i.Note}
}

func (h handler) invite(req *http.Request) (any, error) {
	body, err := io.ReadAll(io.LimitReader(req.Body, maxRequest))
	if err != nil {
		return nil, err
	}
	var o Order
	if err := json.Unmarshal(body, &o, json.RejectUnknownMembers(true)); err != nil {
		return nil, &refused{http.StatusBadRequest, "This is no order of an invite: the two programs are of different versions."}
	}
	if text := o.fault(); text != "" {
		return nil, &refused{http.StatusBadRequest, text}
	}
	now, code := time.Now(), crypto.NewInviteCode()
	i := relay.Invite{
		Hash: code.Hash(), Created: protocol.Milli(now), Expires: protocol.Milli(now.Add(time.Duration(o.Seconds) * time.Second)),
		Uses: o.Uses, Left: o.Uses, Note: o.Note,
	}
	switch err := h.Invites.AddInvite(req.Context(), i); {
	case errors.Is(err, relay.ErrInvitesFull):
		return nil, &refused{http.StatusConflict, fmt.Sprintf("There are %d invites already. Revoke some: server invite list", relay.MaxInvites)}
	case err != nil:
		return nil, err
	}
	return Made{describeInvite(i), code}, nil
}

// fault says what is wrong with an order.
func (o Order) fault() string {
	switch {
	case o.Uses < 1 || o.Uses > relay.MaxInviteUses:
		return fmt.Sprintf("An invite has from 1 to %d uses.", relay.MaxInviteUses)
	case o.Seconds < minExpiry || o.Seconds > maxExpiry:
		return "An invite lasts from a minute to ten years."
	case len(o.Note) > relay.MaxInviteNote:
		return fmt.Sprintf("A note has at most %d bytes.", relay.MaxInviteNote)
	}
	for _, c := range o.Note {
		if !unicode.IsPrint(c) {
			return "A note is one line of text that can be printed."
		}
	}
	return ""
}

func (h handler) revoke(req *http.Request) (any, error) {
	var id crypto.InviteID
	err := id.UnmarshalText([]byte(req.PathValue("id")))
	if err == nil {
		err = h.Invites.RevokeInvite(req.Context(), id)
	} else {
		err = relay.ErrInvite
	}
	if errors.Is(err, relay.ErrInvite) {
		return nil, &refused{http.StatusNotFound, "There is no such invite. See: server invite list"}
	}
	return struct{}{}, err
}

func (h handler) stats(*http.Request) (any, error) {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	s := Stats{
		Relay: h.Describe(), At: time.Now().UTC(), Load: h.Relay.Load(), Held: h.Held(),
		Counters: map[string]uint64{}, Goroutines: runtime.NumGoroutine(), Heap: memory.HeapInuse,
	}
	for name, n := range h.Relay.Snapshot() {
		s.Counters[string(name)] = n
	}
	return s, nil
}
