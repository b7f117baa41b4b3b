package crypto

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

// TLSLifetime is how long a certificate of [MakeTLSCertificate] is valid.
// Clients pin the relay's key, so a renewal goes unnoticed.
const TLSLifetime = 90 * 24 * time.Hour

// tlsBackdate makes a fresh certificate acceptable to a client whose clock is
// somewhat late.
const tlsBackdate = 24 * time.Hour

// MakeTLSCertificate makes the TLS certificate of a relay that needs no public
// authority: a fresh ECDSA P-256 key, signed by the relay's own key. Hosts are
// DNS names and IP addresses. Only the leaf is sent; who knows the relay's key
// needs nothing else.
func MakeTLSCertificate(relay RelayPrivate, hosts []string, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a TLS key: %w", err)
	}
	leaf := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "secure-messaging relay"},
		NotBefore:             now.Add(-tlsBackdate),
		NotAfter:              now.Add(TLSLifetime),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
	}
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, h)
		}
	}
	signer := tlsSigner(relay)
	issuer := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "relay " + string(relay.Public().Fingerprint())},
		PublicKey: signer.Public(),
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, issuer, key.Public(), signer)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("make a TLS certificate: %w", err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("read back a TLS certificate: %w", err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: parsed}, nil
}

// Why a TLS certificate is not the relay's.
var (
	ErrTLSSigner  = errors.New("the TLS certificate is not signed by the key of the relay")
	ErrTLSExpired = errors.New("the TLS certificate is not valid at this time")
)

// VerifyTLS checks that the relay with that key has signed the leaf of a TLS
// connection as a server's certificate, for this time. It does not look at
// the names in it: the pinned key says more than a name.
func VerifyTLS(relay RelayPublic, leaf *x509.Certificate, now time.Time) error {
	if leaf == nil || relay == (RelayPublic{}) ||
		leaf.SignatureAlgorithm != x509.PureEd25519 || leaf.IsCA ||
		!slices.Contains(leaf.ExtKeyUsage, x509.ExtKeyUsageServerAuth) ||
		!ed25519.Verify(relay.Bytes(), leaf.RawTBSCertificate, leaf.Signature) {
		return ErrTLSSigner
	}
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		return ErrTLSExpired
	}
	return nil
}
