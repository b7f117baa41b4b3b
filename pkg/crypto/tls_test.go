package crypto_test

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
)

func TestTLSCertificate(t *testing.T) {
	relay, other := crypto.NewRelayPrivate(), crypto.NewRelayPrivate()
	now := time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)
	cert, err := crypto.MakeTLSCertificate(relay, []string{"chat.example.org", "127.0.0.1", "::1"}, now)
	if err != nil {
		t.Fatal(err)
	}
	leaf := cert.Leaf
	for _, name := range []string{"chat.example.org", "127.0.0.1", "::1"} {
		if err := leaf.VerifyHostname(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	flipped := *leaf
	flipped.RawTBSCertificate = append([]byte(nil), leaf.RawTBSCertificate...)
	flipped.RawTBSCertificate[len(flipped.RawTBSCertificate)/2] ^= 1
	ca := *leaf
	ca.IsCA = true
	for _, tt := range []struct {
		name  string
		relay crypto.RelayPublic
		leaf  *x509.Certificate
		now   time.Time
		want  error
	}{
		{"good", relay.Public(), leaf, now, nil},
		{"last day", relay.Public(), leaf, now.Add(crypto.TLSLifetime), nil},
		{"client's clock late", relay.Public(), leaf, now.Add(-23 * time.Hour), nil},
		{"expired", relay.Public(), leaf, now.Add(crypto.TLSLifetime + time.Second), crypto.ErrTLSExpired},
		{"not yet", relay.Public(), leaf, now.Add(-25 * time.Hour), crypto.ErrTLSExpired},
		{"another relay", other.Public(), leaf, now, crypto.ErrTLSSigner},
		{"no relay", crypto.RelayPublic{}, leaf, now, crypto.ErrTLSSigner},
		{"no leaf", relay.Public(), nil, now, crypto.ErrTLSSigner},
		{"altered", relay.Public(), &flipped, now, crypto.ErrTLSSigner},
		{"an authority", relay.Public(), &ca, now, crypto.ErrTLSSigner},
	} {
		if err := crypto.VerifyTLS(tt.relay, tt.leaf, tt.now); !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// A certificate for something else than a server must not serve as one, even
// signed by the relay.
func TestTLSCertificateOfAnotherUse(t *testing.T) {
	relay := crypto.NewRelayPrivate()
	signer := crypto.TLSSigner(relay)
	now := time.Now()
	template := &x509.Certificate{
		NotBefore: now, NotAfter: now.Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	if err := crypto.VerifyTLS(relay.Public(), leaf, now); !errors.Is(err, crypto.ErrTLSSigner) {
		t.Errorf("got %v", err)
	}
}

func TestTLSHandshake(t *testing.T) {
	relay := crypto.NewRelayPrivate()
	cert, err := crypto.MakeTLSCertificate(relay, []string{"localhost"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	served := make(chan error, 1)
	go func() {
		served <- tls.Server(far, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}).Handshake()
	}()
	client := tls.Client(near, &tls.Config{
		InsecureSkipVerify: true, // replaced by the check of the pinned key
		VerifyConnection: func(cs tls.ConnectionState) error {
			return crypto.VerifyTLS(relay.Public(), cs.PeerCertificates[0], time.Now())
		},
	})
	if err := client.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
}
