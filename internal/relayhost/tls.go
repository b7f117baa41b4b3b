package relayhost

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// renewBefore is how long before its end a certificate is replaced. Clients
// whose clock is late or early by days never see one that has ended.
const renewBefore = crypto.TLSLifetime / 3

// certificates makes the relay's TLS certificates. They live in memory alone:
// clients know the key that signs them, so a new one is as good.
type certificates struct {
	key   crypto.RelayPrivate
	hosts []string

	mu      sync.Mutex // guards what follows
	current tls.Certificate
}

// newTLSConfig takes certificates from public, where it has one for the name,
// and otherwise makes them: who dials the relay by another name knows its key.
func newTLSConfig(key crypto.RelayPrivate, hosts []string, public certifier) (*tls.Config, error) {
	c := &certificates{key: key, hosts: hosts}
	if _, err := c.at(time.Now()); err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if public != nil {
				if cert, err := public.certificate(hello); cert != nil || err != nil {
					return cert, err
				}
			}
			return c.at(time.Now())
		},
	}, nil
}

// at returns the certificate for a time. One from before the clock was set back
// is replaced too: it begins later than now.
func (c *certificates) at(now time.Time) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.current.Leaf; l == nil || now.Before(l.NotBefore) || now.After(l.NotAfter.Add(-renewBefore)) {
		cert, err := crypto.MakeTLSCertificate(c.key, c.hosts, now)
		if err != nil {
			return nil, err
		}
		c.current = cert
	}
	cert := c.current
	return &cert, nil
}

// ownNames returns the names and addresses under which this machine's relay is
// dialled.
func ownNames(hosts []string, addr string) []string {
	names := slices.Clone(hosts)
	names = append(names, "localhost", "127.0.0.1", "::1")
	if name, err := os.Hostname(); err == nil && isASCII(name) {
		names = append(names, name)
	}
	if host, _, err := net.SplitHostPort(addr); err == nil && !unspecified(host) {
		names = append(names, host)
	}
	for i, n := range names {
		names[i] = strings.ToLower(n)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// CheckHosts finds a name that no client can dial.
func CheckHosts(names []string) error {
	for _, name := range names {
		if !isHost(name) {
			return fmt.Errorf("%q is not what a client can dial: a name, in ASCII, or an IP address, without port and brackets", name)
		}
	}
	return nil
}

// isHost reports whether a client can dial a name, as it stands in its proofs.
// One that no client dials would turn away all of them.
func isHost(name string) bool {
	if net.ParseIP(name) != nil {
		return true
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
	return name != "" && len(name) <= protocol.MaxHost && strings.Trim(name, letters) == ""
}

// isASCII reports whether a name can be in a certificate.
func isASCII(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' })
}

// unspecified reports whether a host to listen on names every address.
func unspecified(host string) bool {
	ip := net.ParseIP(host)
	return host == "" || ip != nil && ip.IsUnspecified()
}
