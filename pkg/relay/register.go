package relay

import (
	"errors"
	"net/http"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

func (r *Relay) serveRegister(w http.ResponseWriter, req *http.Request) {
	var body protocol.RegisterRequest
	if !r.readBody(w, req, &body) {
		return
	}
	if code := r.checkRegistration(&body, time.Now()); code != "" {
		r.httpRefuse(w, code, "")
		return
	}
	cert := body.Certificate
	err := r.directory.CreateUser(req.Context(), cert)
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

// checkRegistration says what is wrong with a registration, if anything is.
func (r *Relay) checkRegistration(b *protocol.RegisterRequest, now time.Time) protocol.Code {
	c := b.Certificate
	switch {
	case c.Relay != r.public || c.User != b.Username || c.Box != b.PublicKey || c.Created.After(now.Add(maxCertAhead)):
		return protocol.CodeBadCertificate
	case !r.nonces.Check(b.Nonce, now):
		return protocol.CodeStale
	}
	proof := crypto.Registration{Host: b.Host, Certificate: c, RelayNonce: b.Nonce}
	if !r.knowsHost(b.Host) || !proof.Verify(b.AccountSignature, b.DeviceSignature) {
		return protocol.CodeBadProof
	}
	return ""
}
