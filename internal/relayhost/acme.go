package relayhost

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

const (
	acmeDir   = "acme"         // in the data directory: certificates, their keys and the account's
	acmeProto = acme.ALPNProto // by which the authority checks that the domain leads here
	// acmeEvery is how soon a certificate that was renewed is in use.
	acmeEvery = time.Hour
	// acmeRetry is how soon a failed order is tried again, doubled up to
	// acmeEvery: Let's Encrypt takes five failures an hour.
	acmeRetry = 2 * time.Minute
	// firstWait is how long after the start handshakes wait for a certificate: as
	// long as it takes to read one from the disk, or a quick authority to give one.
	firstWait = 5 * time.Second
	// acmeTimeout bounds one request to the authority.
	acmeTimeout = 30 * time.Second
)

// ACMEAuthority says who gives certificates, and for what.
type ACMEAuthority struct {
	Domains   []string // whose port 443 leads here
	Email     string   // where the authority writes when something is wrong; may be empty
	Directory string   // its URL; empty for Let's Encrypt
	CAFile    string   // whom to trust as the authority, in PEM; empty for the system's list
}

// authority has certificates by ACME (RFC 8555), proved by TLS-ALPN-01
// (RFC 8737). Handshakes never wait for it, but for the first certificate.
type authority struct {
	domains []string
	manager *autocert.Manager
	log     *slog.Logger
	tried   context.Context // ends after the first attempt, or firstWait
	try     context.CancelFunc

	mu      sync.Mutex // guards what follows
	current map[string]*tls.Certificate
	warned  map[string]time.Time // when a domain's certificate was last said to end
}

func newAuthority(c ACMEAuthority, dir string, log *slog.Logger) (*authority, error) {
	if len(c.Domains) == 0 {
		return nil, errors.New("certificates by ACME need the name that they are for: --acme-domain chat.example.org")
	}
	a := &authority{log: log, current: map[string]*tls.Certificate{}, warned: map[string]time.Time{}}
	a.tried, a.try = context.WithCancel(context.Background())
	for _, d := range c.Domains {
		if !isHost(d) || !strings.Contains(strings.Trim(d, "."), ".") || strings.Trim(d, "0123456789.") == "" {
			return nil, fmt.Errorf("--acme-domain: %q is no name that an authority certifies; write it like chat.example.org", d)
		}
		a.domains = append(a.domains, strings.ToLower(d))
	}
	client, err := acmeClient(c)
	if err != nil {
		return nil, err
	}
	a.manager = &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(filepath.Join(dir, acmeDir)),
		HostPolicy: autocert.HostWhitelist(a.domains...), Client: client, Email: c.Email,
	}
	return a, nil
}

func acmeClient(c ACMEAuthority) (*acme.Client, error) {
	directory := c.Directory
	if directory == "" {
		directory = autocert.DefaultACMEDirectory
	}
	if u, err := url.Parse(directory); err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("--acme-directory is the https:// address of an ACME directory, not %q", directory)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.IdleConnTimeout = acmeTimeout
	if c.CAFile != "" {
		text, err := readPEM(c.CAFile, false)
		if err != nil {
			return nil, fmt.Errorf("--acme-ca: %w", err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--acme-ca: %s has no certificate in PEM", c.CAFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &acme.Client{DirectoryURL: directory, HTTPClient: &http.Client{Transport: transport, Timeout: acmeTimeout}}, nil
}

func (a *authority) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	if slices.Equal(hello.SupportedProtos, []string{acmeProto}) {
		return a.manager.GetCertificate(hello) // the authority itself looks
	}
	name := strings.ToLower(strings.TrimSuffix(hello.ServerName, "."))
	if !slices.Contains(a.domains, name) {
		return nil, nil
	}
	select {
	case <-a.tried.Done():
	case <-hello.Context().Done():
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.current[name], nil
}

// keep orders certificates and has them renewed until ctx ends. The manager
// renews by itself; what it has is fetched from it.
func (a *authority) keep(ctx context.Context) {
	defer a.manager.Client.HTTPClient.CloseIdleConnections()
	patience := time.AfterFunc(firstWait, a.try)
	defer patience.Stop()
	retry := acmeRetry
	for {
		wait := acmeEvery
		if a.fetchAll(ctx) {
			retry = acmeRetry
		} else {
			wait, retry = retry, min(2*retry, acmeEvery)
		}
		a.try()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// fetchAll fetches the certificates of all domains, and reports whether it has
// them. It gives up when ctx ends; the manager's order then ends by itself.
func (a *authority) fetchAll(ctx context.Context) bool {
	ok := true
	for _, d := range a.domains {
		fetched := make(chan bool, 1)
		go func() { fetched <- a.fetch(ctx, d) }()
		select {
		case good := <-fetched:
			ok = ok && good
		case <-ctx.Done():
			return false
		}
	}
	return ok
}

func (a *authority) fetch(ctx context.Context, domain string) bool {
	// What one client supports must not decide on the kind of key.
	c, err := a.manager.GetCertificate(&tls.ClientHelloInfo{ServerName: domain, CipherSuites: suites12})
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		a.log.Error("no TLS certificate from the authority yet; it is tried again. Port 443 of the domain has to lead here", "domain", domain, "error", err)
		return false
	}
	a.take(domain, c, time.Now())
	return true
}

// take puts a certificate into use. The manager goes on with the one that it has
// while a renewal fails, and does not say so: that it is late shows it.
func (a *authority) take(domain string, c *tls.Certificate, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if before := a.current[domain]; before == nil || !before.Leaf.Equal(c.Leaf) {
		a.log.Info("took a new TLS certificate", "domain", domain, "ends", c.Leaf.NotAfter)
		delete(a.warned, domain)
	}
	a.current[domain] = c
	if late(c.Leaf, now) && now.Sub(a.warned[domain]) >= warnEvery {
		a.warned[domain] = now
		a.log.Warn("the TLS certificate ends soon, and its renewal fails; it is tried again. Port 443 of the domain has to lead here", "domain", domain, "ends", c.Leaf.NotAfter)
	}
}

// late reports whether the authority's certificate should have been renewed by
// now. Where they live for days alone, two weeks would be always.
func late(leaf *x509.Certificate, now time.Time) bool {
	early := min(warnBefore, leaf.NotAfter.Sub(leaf.NotBefore)/4)
	return now.After(leaf.NotAfter.Add(-early))
}
