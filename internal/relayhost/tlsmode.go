package relayhost

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay/ratelimit"
)

// How a relay secures its connections.
const (
	SelfSigned = "self-signed" // under the relay's own key, which clients pin
	Files      = "files"       // a certificate and its key from two files
	ACME       = "acme"        // certificates from a public authority
	Off        = "off"         // plain HTTP, behind a proxy that does TLS
)

// TLSModes are all of them.
var TLSModes = []string{SelfSigned, Files, ACME, Off}

// TLS says how connections are secured. The zero value is SelfSigned.
type TLS struct {
	Mode  string
	TLS12 bool // TLS 1.2 too; 1.3 alone otherwise

	CertFile, KeyFile string        // for Files: PEM, the leaf first
	ACME              ACMEAuthority // for ACME
	PlainAnywhere     bool          // for Off: on any address, not on loopback alone
}

func (t TLS) mode() string {
	if t.Mode == "" {
		return SelfSigned
	}
	return t.Mode
}

// public reports whether certificates are such that browsers take them.
func (t TLS) public() bool { return t.Mode == Files || t.Mode == ACME }

// proxies are those whose word on the addresses of clients counts.
func (cfg Config) proxies() ratelimit.Proxies {
	if len(cfg.Proxies) == 0 && cfg.TLS.Mode == Off {
		return ratelimit.ThisMachine()
	}
	return cfg.Proxies
}

// certifier has certificates from elsewhere than the relay's key.
type certifier interface {
	// certificate returns one for a handshake, or nil where it has none for
	// that name.
	certificate(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// keep renews them until ctx ends.
	keep(ctx context.Context)
}

// secure makes what TLS needs, nil for plain HTTP, and what has to run
// meanwhile.
func secure(t TLS, key crypto.RelayPrivate, names []string, dir string, log *slog.Logger) (*tls.Config, certifier, error) {
	var public certifier
	var err error
	protos := []string{"http/1.1"} // a WebSocket needs it
	switch t.mode() {
	case Off:
		return nil, nil, nil
	case SelfSigned:
	case Files:
		public, err = openPair(t.CertFile, t.KeyFile, log)
	case ACME:
		public, err = newAuthority(t.ACME, dir, log)
		protos = append(protos, acmeProto)
	default:
		err = fmt.Errorf("there is no TLS mode %q", t.Mode)
	}
	if err != nil {
		return nil, nil, err
	}
	config, err := newTLSConfig(key, names, public)
	if err != nil {
		return nil, nil, err
	}
	config.NextProtos = protos
	if t.TLS12 {
		config.MinVersion, config.CipherSuites = tls.VersionTLS12, suites12
	}
	return config, public, nil
}

// suites12 are those of TLS 1.2 with forward secrecy and authenticated
// encryption; the others are what 1.3 was made to be rid of.
var suites12 = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// covers reports whether a certificate is for the name that a client dials.
// One that dials an address names nothing.
func covers(leaf *x509.Certificate, name string) bool {
	if name == "" {
		return len(leaf.IPAddresses) > 0
	}
	return leaf.VerifyHostname(name) == nil
}

// Why a certificate is not good enough to begin with.
var (
	errEnded    = errors.New("the certificate has ended; renew it")
	errNotBegun = errors.New("the certificate is not valid yet; look at the clock of this machine")
)

func checkDates(leaf *x509.Certificate, now time.Time) error {
	switch {
	case now.After(leaf.NotAfter):
		return fmt.Errorf("%w (it was good until %s)", errEnded, leaf.NotAfter.Format(time.DateOnly))
	case now.Before(leaf.NotBefore):
		return fmt.Errorf("%w (it begins %s, and here it is %s)", errNotBegun, leaf.NotBefore.Format(time.DateTime), now.Format(time.DateTime))
	}
	return nil
}
