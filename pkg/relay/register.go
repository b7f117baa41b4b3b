package relay

import (
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
	err := r.directory.CreateUser(req.Context(), cert, rawPrekey(prekey))
	switch {
	case err == nil:
		r.counters.add(CountRegistered)
		answer(w, http.StatusCreated, userInfo(cert))
	case errors.Is(err, ErrExists):
		r.registerAgain(w, req, cert)
	default:
		r.httpStoreError(w, "registration", err)
	}
}

// registerAgain answers for a name that was given away: to the same
// certificate, whose owner has missed the answer, or to another.
func (r *Relay) registerAgain(w http.ResponseWriter, req *http.Request, cert crypto.Certificate) {
	known, err := r.user(req.Context(), cert.User)
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		r.httpStoreError(w, "look-up for a registration", err)
	case err == nil && known.Hash() == cert.Hash():
		answer(w, http.StatusOK, userInfo(known))
	default:
		r.httpRefuse(w, protocol.CodeTaken, "")
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
