package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// httpTimeout bounds one request, and the handshake of a WebSocket.
const httpTimeout = 15 * time.Second

// Meet asks a relay that is not known yet for its key. It checks that the key
// stands behind the TLS connection, or that a public authority vouches for the
// host, and that it fits server.Pin where there is one. The returned Server
// says which (WebPKI) and carries the pin. Whether a key that came without a
// pin is the right one is for the user to say.
func Meet(ctx context.Context, server Server) (Server, crypto.RelayPublic, error) {
	p, err := Look(ctx, server)
	return p.Server, p.Relay, err
}

// Sight is what a relay has shown to somebody who looked at it.
type Sight struct {
	Server   Server // with the pin, and how TLS vouches for it
	Relay    crypto.RelayPublic
	Took     time.Duration // from the question to the answer
	Clock    time.Time     // what time it was there when it answered, to a second; zero if it has not said
	CertEnds time.Time     // the end of its TLS certificate; zero without TLS
}

// Look is Meet, and says more of what was seen. With an error, what is set was
// seen all the same.
func Look(ctx context.Context, server Server) (Sight, error) {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		ServerName: server.Host,

		InsecureSkipVerify: true, // nothing secret is said; the key is checked below
	}
	seen, err := look(ctx, server, c)
	if shownAnother(err) { // of a private authority, for instance, or it has ended
		if own, err := look(ctx, server, misnamed(c)); err == nil {
			return own, nil
		}
	}
	return seen, err
}

func look(ctx context.Context, server Server, c *tls.Config) (seen Sight, err error) {
	seen.Server = server
	var leaf *x509.Certificate
	var public error // of verification by public authorities
	c = c.Clone()
	c.VerifyConnection = func(cs tls.ConnectionState) error {
		leaf, public = cs.PeerCertificates[0], verifyPublic(cs, server.Host)
		return nil
	}
	h := newHTTPClient(newTransport(c))
	dated := &dating{RoundTripper: h.Transport}
	h.Transport = dated
	began := time.Now()
	var info protocol.RelayInfo
	err = call(ctx, h, server, http.MethodGet, protocol.PathRelay, nil, &info)
	seen.Took, seen.Relay, seen.Clock = time.Since(began), info.Relay, dated.at
	if leaf != nil {
		seen.CertEnds = leaf.NotAfter
	}
	if err != nil {
		return seen, err
	}
	if info.Version != protocol.Version {
		return seen, otherVersion(info.Version)
	}
	if !server.Plain && crypto.VerifyTLS(info.Relay, leaf, time.Now()) != nil {
		if public != nil {
			return seen, notVouched(server, fmt.Errorf("%w: %w", errTLSPublic, public))
		}
		seen.Server.WebPKI = true
	}
	pin := info.Relay.Fingerprint()
	if server.Pin != "" && server.Pin != pin {
		return seen, relayKeyChanged(server, pin)
	}
	seen.Server.Pin = pin
	return seen, nil
}

// dating notes what time it is for the server.
type dating struct {
	http.RoundTripper
	at time.Time // of its last answer; zero if it does not say
}

func (d *dating) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(req)
	if err == nil {
		d.at, _ = http.ParseTime(resp.Header.Get("Date"))
	}
	return resp, err
}

func otherVersion(v int) error {
	return &Error{Code: CodeRefused, Text: fmt.Sprintf("The relay speaks version %d of the protocol, this program version %d. Update the older of the two.", v, protocol.Version)}
}

func relayKeyChanged(server Server, got crypto.Fingerprint) error {
	return &Error{Code: CodeKeyChanged, Text: fmt.Sprintf("The relay at %s shows another key (%s) than expected (%s). Somebody may stand in between, or it was set up anew: ask its operator.", server.Address(), got, server.Pin)}
}

func notVouched(server Server, err error) error {
	return &Error{Code: CodeKeyChanged, Err: err, Text: fmt.Sprintf("The TLS certificate of %s is neither its relay's own nor that of a public authority. Somebody may stand in between: ask its operator.", server.Address())}
}

func keyNotProved(server Server, err error) error {
	return &Error{Code: CodeKeyChanged, Err: err, Text: fmt.Sprintf("The relay at %s does not prove the key that you know (%s). Somebody may stand in between, or it was set up anew: ask its operator.", server.Address(), server.Pin)}
}

// NewKeys makes the identity of a new device for a name at a relay, and its
// first signed prekey, which the Store has to keep from the beginning. It
// returns ErrUsage for what is no name.
func NewKeys(server Server, relay crypto.RelayPublic, name string, now time.Time) (Keys, crypto.PrekeyPrivate, error) {
	return NewDevice(server, relay, crypto.NewAccountPrivate(), name, now)
}

// NewDevice is NewKeys for another device of an account, which takes the place of
// the one before when it registers.
func NewDevice(server Server, relay crypto.RelayPublic, account crypto.AccountPrivate, name string, now time.Time) (Keys, crypto.PrekeyPrivate, error) {
	user, err := ParseName(name)
	if err != nil {
		return Keys{}, crypto.PrekeyPrivate{}, err
	}
	k := Keys{
		Server: server, Relay: relay,
		Account: account, Device: crypto.NewDevicePrivate(), Box: crypto.NewBoxPrivate(),
	}
	k.Certificate = crypto.NewCertificate(k.Account, crypto.Certificate{
		Relay: relay, User: user, Device: crypto.NewDeviceID(),
		Login: k.Device.Public(), Box: k.Box.Public(), Version: crypto.EndToEndVersion, Created: now,
	})
	return k, crypto.NewPrekey(crypto.PrekeySigned, 1, now), nil
}

// Register makes the name of the keys known to the relay, with a first signed
// prekey, by their invite where there is one. It may be called again after a lost answer. It returns ErrTaken,
// ErrUnreachable, ErrKeyChanged, ErrRefused, ErrRateLimit, or ErrUsage for an address or a
// proxy that cannot be used.
func Register(ctx context.Context, k Keys, first crypto.PrekeyPrivate) error {
	h := k.httpClient()
	var info protocol.RelayInfo
	if err := call(ctx, h, k.Server, http.MethodGet, protocol.PathRelay, nil, &info); err != nil {
		return err
	}
	if info.Relay != k.Relay {
		return relayKeyChanged(k.Server, info.Relay.Fingerprint())
	}
	prekey := first.Sign(k.Certificate, k.Device)
	proof := crypto.Registration{Host: k.Server.Host, Certificate: k.Certificate, Prekey: prekey, RelayNonce: info.Nonce}
	byAccount, byDevice := proof.Sign(k.Account, k.Device)
	body := protocol.EncodeBody(protocol.RegisterRequest{
		Username: k.Certificate.User, PublicKey: k.Certificate.Box, Certificate: k.Certificate,
		SignedPrekey: prekey.Raw(), Host: k.Server.Host, Nonce: info.Nonce, AccountSignature: byAccount, DeviceSignature: byDevice,
		Invite: k.Invite,
	})
	var user protocol.UserInfo
	return call(ctx, h, k.Server, http.MethodPost, protocol.PathRegister, body, &user)
}

func usersPath(name string) string {
	return protocol.PathUsers + "?username=" + url.QueryEscape(name)
}

func taken(s Server) error {
	return &Error{Code: CodeTaken, Text: "The name is taken at " + s.Address() + ". Choose another one."}
}

// LookUp returns the certificate that the relay has for a name, or ErrNoUser. Whose
// key it is under is for the caller to look at.
func LookUp(ctx context.Context, server Server, relay crypto.RelayPublic, name string) (crypto.Certificate, error) {
	k := Keys{Server: server, Relay: relay}
	var known protocol.UserInfo
	err := call(ctx, k.httpClient(), server, http.MethodGet, usersPath(name), nil, &known)
	return known.Certificate, err
}

// Free returns ErrTaken if the relay knows somebody of that name. It spares a
// person the choice of a passphrase; only Register gives certainty.
func Free(ctx context.Context, server Server, relay crypto.RelayPublic, name string) error {
	_, err := LookUp(ctx, server, relay, name)
	if errors.Is(err, ErrNoUser) {
		return nil
	}
	if err == nil {
		err = taken(server)
	}
	return err
}

// call makes one HTTP request and decodes the answer into out.
func call(ctx context.Context, h *http.Client, s Server, method, path string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, s.http(path), bytes.NewReader(body))
	if err != nil {
		return &Error{Code: CodeUsage, Err: err, Text: "The server address cannot be used. Write it like wss://chat.example.org:8443."}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := h.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return unreachable(s, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, protocol.MaxBody+1))
	if err != nil {
		return unreachable(s, err)
	}
	if resp.StatusCode == http.StatusTooManyRequests {
		return tooFast(s, slowHeader(resp.Header))
	}
	if resp.StatusCode/100 != 2 {
		return httpError(s, resp.StatusCode, answer)
	}
	if protocol.DecodeBody(answer, out) != nil {
		return &Error{Code: CodeUnreachable, Text: fmt.Sprintf("%s answers, but not like a relay of this protocol. Check the address and the port.", s.Address())}
	}
	return nil
}

// httpError is ErrUnreachable for what is no relay's answer: a proxy may say
// so after the relay has done what was asked.
func httpError(s Server, status int, answer []byte) error {
	var e protocol.HTTPError
	if protocol.DecodeBody(answer, &e) != nil {
		if s.Plain && status == http.StatusBadRequest { // what Go says there
			return &Error{Code: CodeUsage, Text: fmt.Sprintf("%s speaks TLS, or is no relay. Write the address with wss:// instead of ws://.", s.Address())}
		}
		return notLikeRelay(s, status)
	}
	switch e.Code {
	case protocol.CodeTaken:
		return taken(s)
	case protocol.CodeUnknownUser:
		return ErrNoUser
	case protocol.CodeInviteNeeded, protocol.CodeBadInvite, protocol.CodeClosed, protocol.CodeSuspended:
		return notAdmitted(s, e.Code)
	case protocol.CodeUnavailable:
		return &Error{Code: CodeUnreachable, Text: "The relay at " + s.Address() + " cannot store anything at the moment. Try again later, or tell its operator."}
	}
	return &Error{Code: CodeRefused, Text: fmt.Sprintf("The relay refused (%s): %s. Ask its operator.", printable(string(e.Code)), printable(e.Message))}
}

func notLikeRelay(s Server, status int) error {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout: // of a proxy whose relay is away
		return &Error{Code: CodeUnreachable, Text: fmt.Sprintf("What stands before the relay at %s does not reach it (HTTP status %d). Try again later, or tell its operator.", s.Address(), status)}
	}
	return &Error{Code: CodeUnreachable, Text: fmt.Sprintf("%s answers with HTTP status %d and not like a relay. Check the address and the port.", s.Address(), status)}
}

// unreachable says why no connection came about.
func unreachable(s Server, err error) error {
	if errors.Is(err, errTLSPin) {
		return keyNotProved(s, err)
	}
	if errors.Is(err, crypto.ErrTLSExpired) {
		return &Error{Code: CodeUnreachable, Err: err, Text: fmt.Sprintf("The TLS certificate of the relay at %s is not for today. Look at the clock of this machine (it says %s); if that is right, tell the relay's operator.", s.Address(), time.Now().Format("2 January 2006 15:04"))}
	}
	if errors.Is(err, errTLSPublic) {
		return notVouched(s, err)
	}
	if errors.Is(err, errProxyTLS) {
		return &Error{Code: CodeUsage, Err: err, Text: "The proxy in HTTPS_PROXY begins with https://, which is not supported. Use one with http:// or socks5://, or unset it."}
	}
	why := "no answer"
	switch {
	case isNoHost(err):
		why = "no such host"
	case isRefused(err):
		why = "nothing listens there"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		why = "no answer in time"
	case isPlainTLSMismatch(err):
		why = "it does not speak TLS; if it runs with --tls off, use ws:// on this machine"
	}
	return &Error{Code: CodeUnreachable, Err: err, Text: fmt.Sprintf("The relay at %s cannot be reached: %s. Is it running (server serve), and is the address right?", s.Address(), why)}
}
