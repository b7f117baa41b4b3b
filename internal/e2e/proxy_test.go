package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// nginxProgram is where Debian has it, which is on no user's PATH.
const nginxProgram = "/usr/sbin/nginx"

// TestNginx is a real nginx, with the configuration that we recommend, between
// real clients and a real relay.
func TestNginx(t *testing.T) {
	if _, err := os.Stat(nginxProgram); err != nil {
		t.Skipf("no nginx here (apt install nginx-light): %v", err)
	}
	runScripts(t, "proxy")
}

// certifyCmd is "certify NAME": it makes ca.pem, and cert.pem and key.pem for a
// name; our programs trust that authority from then on.
func certifyCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certify NAME")
	}
	authority, ca := makeCert(ts, &x509.Certificate{
		Subject: pkix.Name{CommonName: "tests"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	leaf, key := makeCert(ts, &x509.Certificate{
		DNSNames: args, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, ca)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	for name, block := range map[string]*pem.Block{
		"ca.pem":   {Type: "CERTIFICATE", Bytes: authority.Raw},
		"cert.pem": {Type: "CERTIFICATE", Bytes: leaf.Raw},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: der},
	} {
		ts.Check(os.WriteFile(ts.MkAbs(name), pem.EncodeToMemory(block), 0o600))
	}
	ts.Setenv("SSL_CERT_FILE", ts.MkAbs("ca.pem"))
}

// makeCert makes a certificate, signed by its own key if there is no parent.
func makeCert(ts *testscript.TestScript, template, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	if parent == nil {
		parent, signer = template, key
	}
	template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62))
	ts.Check(err)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(60*24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	ts.Check(err)
	cert, err := x509.ParseCertificate(der)
	ts.Check(err)
	return cert, key
}

// nginxCmd is "nginx": it runs one before the relay, with deploy/nginx.conf but
// for names and ports, until the script ends. $PROXYPORT is where it listens.
func nginxCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: nginx")
	}
	dir := ts.MkAbs("nginx")
	ts.Check(os.MkdirAll(dir, 0o700))
	recommended, err := os.ReadFile(filepath.Join(repository(ts), "deploy", "nginx.conf"))
	ts.Check(err)
	ln, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free, to be given up at once
	ts.Check(err)
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	ln.Close()
	server := string(recommended)
	for _, change := range [][2]string{
		{"listen 443 ssl;", "listen 127.0.0.1:" + port + " ssl;"},
		{"listen [::]:443 ssl;", ""},
		{"chat.example.org;", "localhost;"},
		{"/etc/letsencrypt/live/chat.example.org/fullchain.pem", ts.MkAbs("cert.pem")},
		{"/etc/letsencrypt/live/chat.example.org/privkey.pem", ts.MkAbs("key.pem")},
		{"127.0.0.1:8080", ts.Getenv("RELAYADDR")},
	} {
		before, after, found := strings.Cut(server, "\nserver {") // comments are left alone
		if !found || !strings.Contains(after, change[0]) {
			ts.Fatalf("deploy/nginx.conf has no %q", change[0])
		}
		server = before + "\nserver {" + strings.ReplaceAll(after, change[0], change[1])
	}
	var paths strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		fmt.Fprintf(&paths, "%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	conf := filepath.Join(dir, "nginx.conf")
	ts.Check(os.WriteFile(conf, fmt.Appendf(nil, `daemon off;
pid %s;
error_log stderr notice;
events {}
http {
%s
%s
}
`, filepath.Join(dir, "pid"), paths.String(), server), 0o600))
	cmd := exec.Command(nginxProgram, "-p", dir, "-c", conf, "-e", "stderr")
	out, err := cmd.StderrPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	up, ended := make(chan bool, 1), make(chan struct{})
	var heard strings.Builder // of what it says before it is up
	go func() {
		defer close(ended)
		defer close(up)
		log := bufio.NewScanner(out)
		for log.Scan() {
			if heard.WriteString(log.Text() + "\n"); strings.Contains(log.Text(), "start worker process ") { // it listens by then
				up <- true
				break
			}
		}
		io.Copy(io.Discard, out)
	}()
	ts.Defer(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		cmd.Wait()
	})
	if !<-up {
		ts.Fatalf("nginx did not come up: %s", heard.String())
	}
	ts.Setenv("PROXYPORT", port)
}

// randomCmd is "random FILE BYTES".
func randomCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: random FILE BYTES")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	b := make([]byte, n)
	rand.Read(b)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o600))
}

// repository is the folder of the source.
func repository(ts *testscript.TestScript) string {
	dir, err := os.Getwd()
	ts.Check(err)
	return filepath.Dir(filepath.Dir(dir))
}
