package relay

import (
	"context"
	"errors"
	"net/http"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func (r *Relay) serveRegister(w http.ResponseWriter, req *http.Request) {
	now := time.Now()
	if after, ok := r.limiters.RegistrationsOf.Allow(now, r.client(req)); !ok {
		r.tooMany(w, after)
		return
	}
	var body protocol.RegisterRequest
	if !r.readBody(w, req, &body) {
		return
	}
	prekey, code := r.checkRegistration(&body, now)
	if code != "" {
		r.httpRefuse(w, code, "")
		return
	}
	if after, ok := r.limiters.Registrations.Allow(now); !ok { // not sooner: what does not hold must not keep others out
		r.tooMany(w, after)
		return
	}
	cert := body.Certificate
	err := r.enroll(req.Context(), cert, rawPrekey(prekey), body.Invite, now)
	var refusal *protocol.Refusal
	switch {
	case err == nil:
		r.counters.add(CountRegistered)
		answer(w, http.StatusCreated, userInfo(cert))
	case errors.As(err, &refusal):
		r.httpRefuse(w, refusal.Code, "")
	case errors.Is(err, ErrExists):
		r.registerAgain(w, req, cert, rawPrekey(prekey))
	default:
		r.httpStoreError(w, "registration", err)
	}
}

// registerAgain answers for a name that was given away: to the same
// certificate, whose owner has missed the answer, to a later one under the same
// account key, which is another device of its owner's, or to another owner's.
func (r *Relay) registerAgain(w http.ResponseWriter, req *http.Request, cert crypto.Certificate, signed RawPrekey) {
	known, err := r.directory.User(req.Context(), cert.User)
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		r.httpStoreError(w, "look-up for a registration", err)
	case err == nil && known.Hash() == cert.Hash():
		answer(w, http.StatusOK, userInfo(known))
	case err != nil || known.Account != cert.Account:
		r.httpRefuse(w, protocol.CodeTaken, "")
	case known.Device == cert.Device || !cert.Created.After(known.Created):
		r.httpRefuse(w, protocol.CodeOlderDevice, "")
	default:
		if ok, err := r.mayEnter(req.Context(), cert.User); err != nil {
			r.httpStoreError(w, "look-up for a registration", err)
		} else if !ok {
			r.httpRefuse(w, protocol.CodeSuspended, "")
		} else {
			r.replaceDevice(w, req, known, cert, signed)
		}
	}
}

// replaceDevice puts a device in the place of the one that its user had. Who
// signs with the account key decides that, as the proof has shown just now; what
// waits for the old device nobody else can open, so its senders are told.
func (r *Relay) replaceDevice(w http.ResponseWriter, req *http.Request, before, cert crypto.Certificate, signed RawPrekey) {
	err := r.directory.ReplaceDevice(req.Context(), before, cert, signed)
	r.forget(cert.User)
	switch {
	case errors.Is(err, ErrConflict):
		r.counters.add(CountConflicts)
		r.httpRefuse(w, protocol.CodeUnavailable, "")
		return
	case err != nil:
		r.end(before.Address(), closeStore) // it may have been stored all the same: its next login tells
		r.httpStoreError(w, "replacement of a device", err)
		return
	}
	r.counters.add(CountReplaced)
	r.end(before.Address(), closeReplaced)
	// A client that has gone does not ask again.
	ctx := context.WithoutCancel(req.Context())
	if err := r.abandon(ctx, before.Address()); err != nil { // the rest goes with its age
		r.storeError("telling the senders to a device that was replaced", err)
	}
	answer(w, http.StatusCreated, userInfo(cert))
}

// end ends the connection of a device, if it is here.
func (r *Relay) end(device crypto.Address, why *closeReason) {
	if c := r.hub.find(device); c != nil {
		c.requestClose(why)
		c.retire()
	}
}

// abandon drops what waits for a device that will not come any more, and tells
// the senders of messages.
func (r *Relay) abandon(ctx context.Context, owner crypto.Address) error {
	for {
		entries, err := r.mailboxes.Read(ctx, owner, 0, expireChunk, maxBatchBytes)
		if err != nil || len(entries) == 0 {
			return err
		}
		if err := r.drop(ctx, owner, entries); err != nil {
			return err
		}
		r.counters.addN(CountExpired, len(entries))
	}
}

// checkRegistration returns the first signed prekey of a registration, or says
// what is wrong.
func (r *Relay) checkRegistration(b *protocol.RegisterRequest, now time.Time) (crypto.Prekey, protocol.Code) {
	c := b.Certificate
	switch {
	case c.Relay != r.public || c.User != b.Username || c.Box != b.PublicKey || c.Created.After(now.Add(maxCertAhead)):
		return crypto.Prekey{}, protocol.CodeBadCertificate
	case !r.nonces.Check(b.Nonce, now):
		return crypto.Prekey{}, protocol.CodeStale
	}
	prekey, err := crypto.ParsePrekey(b.SignedPrekey, c)
	if err != nil || prekey.Kind != crypto.PrekeySigned {
		return crypto.Prekey{}, protocol.CodeBadPrekey
	}
	proof := crypto.Registration{Host: b.Host, Certificate: c, Prekey: prekey, RelayNonce: b.Nonce}
	if !r.knowsHost(b.Host) || !proof.Verify(b.AccountSignature, b.DeviceSignature) {
		return crypto.Prekey{}, protocol.CodeBadProof
	}
	return prekey, ""
}
