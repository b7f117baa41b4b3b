package relayhost

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"secure-messaging/pkg/crypto"
)

// said is a log that tells of each line.
type said struct {
	slog.Handler
	lines chan string
}

func (s said) Handle(_ context.Context, r slog.Record) error {
	text := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	select {
	case s.lines <- text:
	default: // nobody waits for so many
	}
	return nil
}

func newSaid() said { return said{slog.DiscardHandler, make(chan string, 100)} }

func (s said) Enabled(context.Context, slog.Level) bool { return true }

// wait returns the next line with that text. A failure to say it ends by the
// deadline of the tests.
func (s said) wait(text string) string {
	for {
		if line := <-s.lines; strings.Contains(line, text) {
			return line
		}
	}
}

// letsencrypt is pebble, Let's Encrypt's own small authority, for which every name leads to
// this machine, and port 443 to the relay that is set.
type letsencrypt struct {
	directory, caFile string
	roots             *x509.CertPool
	relay             chan string // its address
	server            *httptest.Server
}

func newLetsEncrypt(t *testing.T) *letsencrypt {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1") // which else waits for seconds, as the world does
	p := &letsencrypt{relay: make(chan string, 1)}
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	issuer := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "the only one"}})
	looks := va.New(quiet, 1, p.port443(t), true, nameserver(t), store)
	front := wfe.New(quiet, store, looks, issuer, []string{"pebble.example.org"}, true, false, 1, 1)
	p.server = httptest.NewTLSServer(front.Handler())
	t.Cleanup(p.server.Close)
	p.directory = p.server.URL + wfe.DirectoryPath
	p.caFile = filepath.Join(t.TempDir(), "authority.pem")
	write(t, p.caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw}))
	p.roots = x509.NewCertPool()
	p.roots.AddCert(issuer.GetRootCert(0).Cert)
	return p
}

// nameserver says of every name that it is this machine's.
func nameserver(t *testing.T) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answer := func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1)}}
		}
		w.WriteMsg(m)
	}
	server := &dns.Server{Listener: ln, Handler: dns.HandlerFunc(answer)}
	served := make(chan error, 1)
	go func() { served <- server.ActivateAndServe() }()
	t.Cleanup(func() {
		server.Shutdown()
		<-served
	})
	return ln.Addr().String()
}

// port443 hands connections on to the relay, as the domain's port 443 does.
func (p *letsencrypt) port443(t *testing.T) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		addr := <-p.relay
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", addr)
			if err != nil {
				in.Close()
				continue
			}
			go func() { io.Copy(out, in); out.Close() }()
			go func() { io.Copy(in, out); in.Close() }()
		}
	}()
	return ln.Addr().(*net.TCPAddr).Port
}

const domain = "chat.example.org"

// TestACME gets a certificate from Let's Encrypt's test server, which looks at
// the relay for it, and does not ask for another after a restart.
func TestACME(t *testing.T) {
	p := newLetsEncrypt(t)
	dir := filepath.Join(t.TempDir(), "data")
	log := newSaid()
	cfg := Config{DataDir: dir, Logger: slog.New(log), TLS: TLS{
		Mode: ACME, ACME: ACMEAuthority{Domains: []string{"Chat.Example.org"}, Email: "operator@example.org", Directory: p.directory, CAFile: p.caFile},
	}}
	found(t, Check(cfg), "certificate", Unknown, "port 443")
	h, stop := start(t, cfg)
	p.relay <- h.Addr().String()
	log.wait("INFO took a new TLS certificate domain=" + domain)

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: p.roots, ServerName: domain, MinVersion: tls.VersionTLS13}}}
	resp, err := client.Get("https://" + h.Addr().String() + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS with a public certificate")
	}
	first := resp.TLS.PeerCertificates[0]
	for _, name := range []string{"", "localhost", "other.example.org"} {
		if err := crypto.VerifyTLS(h.PublicKey(), shown(t, h, name, &tls.Config{}), time.Now()); err != nil {
			t.Errorf("for %q: %v", name, err)
		}
	}
	checkSecret(t, filepath.Join(dir, acmeDir))
	stop()
	found(t, Check(cfg), "certificate", Fine, "renews it by itself")

	p.server.Close() // nobody is asked any more
	h, stop = start(t, cfg)
	defer stop()
	if again := shown(t, h, domain, &tls.Config{}); !again.Equal(first) {
		t.Error("after a restart another certificate is shown")
	}
}

// checkSecret wants files for their owner alone.
func checkSecret(t *testing.T, dir string) {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		names = append(names, d.Name())
		return err
	})
	if err != nil || !slices.Contains(names, domain) {
		t.Errorf("%s has %q, %v", dir, names, err)
	}
}

// TestACMEUnreachable: without its authority the relay serves under its own key,
// and says what is the matter.
func TestACMEUnreachable(t *testing.T) {
	gone := httptest.NewTLSServer(http.NotFoundHandler())
	gone.Close()
	log := newSaid()
	h, stop := start(t, Config{DataDir: t.TempDir(), Logger: slog.New(log), TLS: TLS{
		Mode: ACME, ACME: ACMEAuthority{Domains: []string{domain}, Directory: gone.URL},
	}})
	defer stop()
	wants(t, log.wait("ERROR no TLS certificate"), "tried again", "Port 443", domain)
	if err := crypto.VerifyTLS(h.PublicKey(), shown(t, h, domain, &tls.Config{}), time.Now()); err != nil {
		t.Error(err)
	}
}

func TestACMEMistakes(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(notPEM, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, a := range map[string]ACMEAuthority{
		"--acme-domain chat.example.org": {},
		`"localhost"`:                    {Domains: []string{"localhost"}},
		`"192.0.2.7"`:                    {Domains: []string{domain, "192.0.2.7"}},
		`"*.example.org"`:                {Domains: []string{"*.example.org"}},
		"https://":                       {Domains: []string{domain}, Directory: "http://ca.example.org"},
		"no certificate in PEM":          {Domains: []string{domain}, CAFile: notPEM},
		"no such file":                   {Domains: []string{domain}, CAFile: notPEM + "x"},
	} {
		wants(t, refused(t, Config{DataDir: t.TempDir(), TLS: TLS{Mode: ACME, ACME: a}}), says)
	}
}

// TestACMERenewalFails: a certificate that should have been renewed is a warning
// once a day for its domain, and a problem of a check.
func TestACMERenewalFails(t *testing.T) {
	var log bytes.Buffer
	const other = "other.example.org"
	a, err := newAuthority(ACMEAuthority{Domains: []string{domain, other}}, t.TempDir(), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	issuer, now := newIssuer(t), time.Now()
	issue := func(ends time.Time) (*tls.Certificate, []byte) {
		t.Helper()
		cert, key := issuer.issue(t, ends, domain, other)
		c, err := tls.X509KeyPair(cert, key)
		if err != nil {
			t.Fatal(err)
		}
		return &c, append(key, cert...)
	}
	warns := func(want int, domain string, c *tls.Certificate, now time.Time) {
		t.Helper()
		log.Reset()
		a.take(domain, c, now)
		if got := strings.Count(log.String(), "level=WARN"); got != want || want > 0 && !strings.Contains(log.String(), domain) {
			t.Errorf("warned %d times, not %d: %s", got, want, log.String())
		}
	}
	ends := now.Add(90 * 24 * time.Hour)
	soon := ends.Add(-warnBefore).Add(time.Hour)
	long, text := issue(ends)
	warns(0, domain, long, soon.Add(-2*time.Hour))
	warns(1, domain, long, soon)
	warns(0, domain, long, soon.Add(time.Hour))
	warns(1, other, long, soon.Add(time.Hour))
	warns(1, domain, long, soon.Add(25*time.Hour))
	short, _ := issue(now.Add(6 * time.Hour)) // of eight
	warns(0, domain, short, now.Add(3*time.Hour))
	warns(1, domain, short, now.Add(5*time.Hour))

	for _, d := range a.domains {
		if err := a.manager.Cache.Put(context.Background(), d, text); err != nil {
			t.Fatal(err)
		}
	}
	found(t, []Finding{checkCached("certificate", a, soon.Add(-2*time.Hour))}, "certificate", Fine)
	found(t, []Finding{checkCached("certificate", a, soon)}, "certificate", Problem, domain, "should have been renewed", "port 443")
}
