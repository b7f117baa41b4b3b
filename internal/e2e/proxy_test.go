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
	runScripts(t, "proxy", "PROXY=nginx")
}

// TestCaddy is the same with a real Caddy.
func TestCaddy(t *testing.T) {
	if _, err := exec.LookPath("caddy"); err != nil {
		t.Skipf("no Caddy here (apt install caddy): %v", err)
	}
	runScripts(t, "proxy", "PROXY=caddy")
}

// certifyCmd is "certify NAME [ADDRESS...]": it makes ca.pem, and cert.pem and
// key.pem for these; our programs trust that authority from then on.
func certifyCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: certify NAME [ADDRESS...]")
	}
	var addresses []net.IP
	for _, a := range args[1:] {
		addresses = append(addresses, net.ParseIP(a))
	}
	authority, ca := makeCert(ts, &x509.Certificate{
		Subject: pkix.Name{CommonName: "tests"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}, nil, nil)
	leaf, key := makeCert(ts, &x509.Certificate{
		DNSNames: args[:1], IPAddresses: addresses, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
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

// proxyCmd is "proxy": it runs the program that $PROXY names before the relay,
// until the script ends. $PROXYPORT is where it listens.
func proxyCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: proxy")
	}
	port := freePort(ts)
	dir := ts.MkAbs("proxy")
	ts.Check(os.MkdirAll(dir, 0o700))
	if ts.Getenv("PROXY") == "caddy" {
		behind(ts, caddy(ts, dir, port), "serving initial configuration")
	} else {
		behind(ts, nginx(ts, dir, port), "start worker process ")
	}
	ts.Setenv("PROXYPORT", port)
}

// freePort is one of loopback that nobody listens on.
func freePort(ts *testscript.TestScript) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

// recommended is the part of a file in deploy from a line on, with other names
// and ports. What stands before the line are comments.
func recommended(ts *testscript.TestScript, file, from string, changes ...[2]string) string {
	text, err := os.ReadFile(filepath.Join(repository(ts), "deploy", file))
	ts.Check(err)
	_, conf, _ := strings.Cut(string(text), "\n"+from)
	conf = from + conf
	for _, change := range changes {
		if !strings.Contains(conf, change[0]) {
			ts.Fatalf("deploy/%s has no %q", file, change[0])
		}
		conf = strings.ReplaceAll(conf, change[0], change[1])
	}
	return conf
}

// nginx is one with deploy/nginx.conf.
func nginx(ts *testscript.TestScript, dir, port string) *exec.Cmd {
	server := recommended(ts, "nginx.conf", "map $http_upgrade $connection_upgrade {",
		[2]string{"listen 443 ssl;", "listen 127.0.0.1:" + port + " ssl;"},
		[2]string{"listen [::]:443 ssl;", ""},
		[2]string{"chat.example.org;", "localhost;"},
		[2]string{"/etc/letsencrypt/live/chat.example.org/fullchain.pem", ts.MkAbs("cert.pem")},
		[2]string{"/etc/letsencrypt/live/chat.example.org/privkey.pem", ts.MkAbs("key.pem")},
		[2]string{"127.0.0.1:8080", ts.Getenv("RELAYADDR")})
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
	return exec.Command(nginxProgram, "-p", dir, "-c", conf, "-e", "stderr")
}

// caddy is one with deploy/Caddyfile, and with our certificate in place of one
// that it would get.
func caddy(ts *testscript.TestScript, dir, port string) *exec.Cmd {
	site := recommended(ts, "Caddyfile", "chat.example.org {",
		[2]string{"chat.example.org {", fmt.Sprintf("https://localhost:%s {\n\tbind 127.0.0.1\n\ttls %s %s", port, ts.MkAbs("cert.pem"), ts.MkAbs("key.pem"))},
		[2]string{"127.0.0.1:8080", ts.Getenv("RELAYADDR")})
	conf := filepath.Join(dir, "Caddyfile")
	ts.Check(os.WriteFile(conf, []byte("{\n\tadmin off\n\tauto_https disable_redirects\n}\n"+site), 0o600))
	cmd := exec.Command("caddy", "run", "--config", conf, "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	return cmd
}

// behind starts a proxy, waits until its log says that it listens, and ends it
// with the script.
func behind(ts *testscript.TestScript, cmd *exec.Cmd, listens string) {
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
			if heard.WriteString(log.Text() + "\n"); strings.Contains(log.Text(), listens) {
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
		ts.Fatalf("%s did not come up: %s", cmd.Path, heard.String())
	}
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
