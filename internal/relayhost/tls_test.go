package relayhost

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// issuer is an authority of the tests.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "tests"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(1000 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key, pool: x509.NewCertPool()}
	if i.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	i.pool.AddCert(i.cert)
	return i
}

// issue makes a certificate and its key, in PEM.
func (i *issuer) issue(t *testing.T, ends time.Time, names ...string) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, DNSNames: names, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: ends,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, i.cert, k.Public(), i.key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// shown connects and returns the certificate that the relay shows for a name.
func shown(t *testing.T, h *Host, name string, config *tls.Config) *x509.Certificate {
	t.Helper()
	config = config.Clone()
	config.ServerName, config.InsecureSkipVerify = name, true // the caller looks
	c, err := tls.Dial("tcp", h.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0]
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFiles: public names get the certificate from the files, all others the
// relay's own, by which whoever dials an address knows it.
func TestFiles(t *testing.T) {
	dir, ca := t.TempDir(), newIssuer(t)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	cert, key := ca.issue(t, time.Now().Add(90*24*time.Hour), "chat.example.org")
	write(t, certFile, cert)
	write(t, keyFile, key)
	h, stop := start(t, Config{DataDir: filepath.Join(dir, "data"), TLS: TLS{Mode: Files, CertFile: certFile, KeyFile: keyFile}})
	defer stop()

	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: ca.pool, ServerName: "chat.example.org"}}}
	resp, err := client.Get("https://" + h.Addr().String() + protocol.PathRelay)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := resp.Header.Get("Strict-Transport-Security"); got == "" {
		t.Error("no HSTS with a public certificate")
	}
	for _, name := range []string{"localhost", ""} {
		if err := crypto.VerifyTLS(h.PublicKey(), shown(t, h, name, &tls.Config{}), time.Now()); err != nil {
			t.Errorf("for %q: %v", name, err)
		}
	}
	info(t, h) // which dials an address
	if c, err := tls.Dial("tcp", h.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}); err == nil {
		c.Close()
		t.Error("TLS 1.2 was spoken")
	}
}

func TestTLS12(t *testing.T) {
	h, stop := start(t, Config{DataDir: t.TempDir(), TLS: TLS{TLS12: true}})
	defer stop()
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	c, err := tls.Dial("tcp", h.Addr().String(), old)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
	old.CipherSuites = []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	if c, err := tls.Dial("tcp", h.Addr().String(), old); err == nil {
		c.Close()
		t.Error("a suite without authenticated encryption was spoken")
	}
	old = &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	if c, err := tls.Dial("tcp", h.Addr().String(), old); err == nil {
		c.Close()
		t.Error("TLS 1.1 was spoken")
	}
	info(t, h) // in TLS 1.3
}

// TestReload takes a new pair once it is whole, and keeps the old one through
// all that is wrong with it meanwhile.
func TestReload(t *testing.T) {
	dir, ca := t.TempDir(), newIssuer(t)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	later := time.Now().Add(90 * 24 * time.Hour)
	cert1, key1 := ca.issue(t, later, "chat.example.org")
	cert2, key2 := ca.issue(t, later, "chat.example.org", "new.example.org")
	ended, endedKey := ca.issue(t, time.Now().Add(-time.Hour), "chat.example.org")
	write(t, certFile, cert1)
	write(t, keyFile, key1)
	var log bytes.Buffer
	p, err := openPair(certFile, keyFile, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	age := time.Now()
	put := func(cert, key []byte) {
		t.Helper()
		age = age.Add(time.Minute) // whatever the clock of the file system knows
		for name, text := range map[string][]byte{certFile: cert, keyFile: key} {
			write(t, name, text)
			if err := os.Chtimes(name, age, age); err != nil {
				t.Fatal(err)
			}
		}
	}
	serves := func(name string, want bool) {
		t.Helper()
		c, err := p.certificate(&tls.ClientHelloInfo{ServerName: name})
		if err != nil || (c != nil) != want {
			t.Errorf("a certificate for %s: %v, %v", name, c != nil, err)
		}
	}
	looks := func(wants ...string) {
		t.Helper()
		log.Reset()
		p.look(time.Now())
		first := log.String()
		p.look(time.Now())
		if log.String() != first {
			t.Errorf("said twice: %s", log.String())
		}
		for _, w := range wants {
			if !strings.Contains(first, w) {
				t.Errorf("%q does not say %q", first, w)
			}
		}
		if len(wants) == 0 && first != "" {
			t.Errorf("nothing has changed, and it says %q", first)
		}
		for _, secret := range [][]byte{key1, key2, endedKey} {
			if strings.Contains(first, string(secret[40:60])) {
				t.Error("the log tells a key")
			}
		}
	}
	p.mu.Lock() // as while a disk is slow
	serves("chat.example.org", true)
	p.mu.Unlock()
	looks()
	put(cert2, key1)
	looks("level=ERROR", "the one before stays")
	put(nil, nil)
	looks("level=ERROR")
	put(ended, endedKey)
	looks("level=ERROR", "ended")
	if err := os.Remove(certFile); err != nil {
		t.Fatal(err)
	}
	looks("level=ERROR", "no such file")
	serves("chat.example.org", true)
	serves("new.example.org", false)
	put(cert2, key2)
	looks("level=INFO", "took a new")
	serves("new.example.org", true)

	// It says once a day that the certificate ends.
	log.Reset()
	soon := later.Add(-warnBefore).Add(time.Hour)
	p.look(soon)
	p.look(soon.Add(time.Hour))
	if got := strings.Count(log.String(), "ends soon"); got != 1 {
		t.Errorf("warned %d times", got)
	}
	p.look(soon.Add(25 * time.Hour))
	if got := strings.Count(log.String(), "ends soon"); got != 2 {
		t.Errorf("warned %d times in two days", got)
	}
}

// TestBrokenFiles: a relay does not start with what it cannot use.
func TestBrokenFiles(t *testing.T) {
	dir, ca := t.TempDir(), newIssuer(t)
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	open := func() string {
		t.Helper()
		return refused(t, Config{DataDir: filepath.Join(dir, "data"), TLS: TLS{Mode: Files, CertFile: certFile, KeyFile: keyFile}})
	}
	wants(t, refused(t, Config{DataDir: t.TempDir(), TLS: TLS{Mode: Files}}), "--tls-cert", "--tls-key")
	wants(t, open(), "no such file", certFile)
	cert, key := ca.issue(t, time.Now().Add(-time.Hour), "chat.example.org")
	write(t, certFile, cert)
	write(t, keyFile, key)
	wants(t, open(), certFile, "has ended", "renew it")
	cert, _ = ca.issue(t, time.Now().Add(time.Hour), "chat.example.org")
	write(t, certFile, cert)
	wants(t, open(), keyFile, "no certificate and its key")
	if runtime.GOOS != "windows" {
		if err := os.Chmod(keyFile, 0o644); err != nil {
			t.Fatal(err)
		}
		wants(t, open(), keyFile, "chmod o-rwx")
	}
	wants(t, refused(t, Config{DataDir: t.TempDir(), TLS: TLS{Mode: "perhaps"}}), `"perhaps"`)
}

// TestPlainAnywhere needs a word of its own.
func TestPlainAnywhere(t *testing.T) {
	h, stop := start(t, Config{DataDir: t.TempDir(), Addr: "0.0.0.0:0", TLS: TLS{Mode: Off, PlainAnywhere: true}})
	defer stop()
	if ip := h.Addr().(*net.TCPAddr).IP; !ip.IsUnspecified() {
		t.Errorf("listens on %s", ip)
	}
}
