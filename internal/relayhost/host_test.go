package relayhost

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"go.uber.org/goleak"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
)

// noLeaks fails the test if it leaves goroutines behind.
func noLeaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	// autocert tidies up after an order by itself, for minutes if the authority is gone.
	tidying := goleak.IgnoreAnyFunction("golang.org/x/crypto/acme/autocert.(*Manager).deactivatePendingAuthz")
	t.Cleanup(func() { goleak.VerifyNone(t, before, tidying) })
}

// start opens a host and runs it. The function that it returns ends it.
func start(t *testing.T, cfg Config) (h *Host, stop func()) {
	t.Helper()
	noLeaks(t)
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	h, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	stop = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the run ended with %v", err)
		}
	}
	return h, stop
}

// refused opens a host that must not open, and returns why.
func refused(t *testing.T, cfg Config) string {
	t.Helper()
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	h, err := Open(cfg)
	if err == nil {
		h.closeAll()
		t.Fatal("it opened")
	}
	return err.Error()
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q does not say %q", text, p)
		}
	}
}

// info asks a relay who it is, as a client that knows its key does.
func info(t *testing.T, h *Host) protocol.RelayInfo {
	t.Helper()
	var leaf *x509.Certificate
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		InsecureSkipVerify: true, // for the key is what counts
		VerifyConnection: func(s tls.ConnectionState) error {
			leaf = s.PeerCertificates[0]
			if s.Version != tls.VersionTLS13 || s.NegotiatedProtocol != "http/1.1" {
				return errors.New("not TLS 1.3 with HTTP/1.1")
			}
			return crypto.VerifyTLS(h.PublicKey(), leaf, time.Now())
		},
		NextProtos: []string{"h2", "http/1.1"},
	}}
	defer transport.CloseIdleConnections()
	scheme := "https://"
	if h.tls == nil {
		scheme = "http://"
	}
	resp, err := (&http.Client{Transport: transport}).Get(scheme + h.Addr().String() + protocol.PathRelay)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer protocol.RelayInfo
	if err := protocol.DecodeBody(body, &answer); err != nil {
		t.Fatal(err)
	}
	if h.tls != nil && leaf == nil {
		t.Fatal("there was no certificate")
	}
	return answer
}

func TestTLS(t *testing.T) {
	h, stop := start(t, Config{DataDir: filepath.Join(t.TempDir(), "a", "b"), Hosts: []string{"Chat.example.org"}})
	defer stop()
	if answer := info(t, h); answer.Relay != h.PublicKey() {
		t.Error("the relay names another key")
	}
	if h.Fingerprint() != h.PublicKey().Fingerprint() {
		t.Error("the fingerprint is another key's")
	}
	cert, err := h.tls.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"chat.example.org", "localhost", "127.0.0.1", "::1"} {
		if err := cert.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}
	if c, err := tls.Dial("tcp", h.Addr().String(), old); err == nil {
		c.Close()
		t.Error("TLS 1.2 was spoken")
	}
}

func TestRenewal(t *testing.T) {
	key := crypto.NewRelayPrivate()
	c := &certificates{key: key, hosts: []string{"localhost"}}
	begin := time.Now()
	var serials []string
	for _, age := range []time.Duration{0, crypto.TLSLifetime - renewBefore - time.Hour, crypto.TLSLifetime - renewBefore + time.Hour, 3 * crypto.TLSLifetime, 0} {
		now := begin.Add(age)
		cert, err := c.at(now)
		if err != nil {
			t.Fatal(err)
		}
		if err := crypto.VerifyTLS(key.Public(), cert.Leaf, now); err != nil {
			t.Errorf("after %v: %v", age, err)
		}
		serials = append(serials, cert.Leaf.SerialNumber.String())
	}
	if serials[0] != serials[1] || serials[1] == serials[2] || serials[2] == serials[3] || serials[3] == serials[4] {
		t.Errorf("renewed at the wrong times: %v", serials)
	}
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	h, stop := start(t, Config{DataDir: dir})
	first := h.PublicKey()
	if h.DataDir() != dir {
		t.Errorf("the data is in %s", h.DataDir())
	}
	stop()
	h, stop = start(t, Config{DataDir: dir})
	defer stop()
	if h.PublicKey() != first {
		t.Error("the relay has another key")
	}
	info(t, h)
	if runtime.GOOS == "windows" {
		return
	}
	if f, err := os.Stat(filepath.Join(dir, keyFile)); err != nil || f.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", f.Mode(), err)
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 3 {
		t.Errorf("the directory holds %v, %v", names, err)
	}
}

func TestTwoHosts(t *testing.T) {
	dir := t.TempDir()
	h, stop := start(t, Config{DataDir: dir})
	defer stop()
	wants(t, refused(t, Config{DataDir: dir}), dir, "in use by another relay", "choose another directory")
	info(t, h) // which the second did not disturb
}

func TestKeyFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, keyFile)
	_, stop := start(t, Config{DataDir: dir})
	stop()
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other, _ := crypto.NewRelayPrivate().MarshalText()
	box, _ := crypto.NewBoxPrivate().MarshalText()
	for want, content := range map[string][]byte{
		"not the key of the relay": other,
		"not a relay's key":        box,
		"restore it from a backup": good[:20],
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		got := refused(t, Config{DataDir: dir})
		wants(t, got, want, path)
		if strings.Contains(got, string(content[15:])) {
			t.Errorf("the error tells the key: %s", got)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	wants(t, refused(t, Config{DataDir: dir}), path, "restore this file")
	if _, err := os.Stat(path); err == nil {
		t.Error("a new key was made for old data")
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		wants(t, refused(t, Config{DataDir: dir}), path, "chmod 600")
		if err := os.Chmod(path, 0o400); err != nil {
			t.Fatal(err)
		}
	}
	if os.Geteuid() == 0 { // nobody else can read it then, or give it away
		if err := os.Chown(path, 1, -1); err != nil {
			t.Fatal(err)
		}
		wants(t, refused(t, Config{DataDir: dir}), path, "chown")
		if err := os.Chown(path, 0, -1); err != nil {
			t.Fatal(err)
		}
	}
	_, stop = start(t, Config{DataDir: dir})
	stop()
}

// TestUndiallableHosts: with a name that no client can dial, all are turned
// away, which nobody would look for in the name.
func TestUndiallableHosts(t *testing.T) {
	for _, name := range []string{"chat.example.org:8443", "[::1]", "", "a b", "*.example.org", "h\u00f6st", "wss://x", "x\x1b[31m"} {
		wants(t, refused(t, Config{DataDir: t.TempDir(), Hosts: []string{"good.example.org", name}}), "without port")
	}
}

// TestHalfBegun is a first start that ended after the key was made.
func TestHalfBegun(t *testing.T) {
	dir := t.TempDir()
	key := crypto.NewRelayPrivate()
	if err := writeKey(filepath.Join(dir, keyFile), key); err != nil {
		t.Fatal(err)
	}
	h, stop := start(t, Config{DataDir: dir})
	defer stop()
	if h.PublicKey() != key.Public() {
		t.Error("the key was replaced")
	}
}

// TestOlderDataIsNamed: what an upgrade has kept takes room until somebody knows
// of it.
func TestOlderDataIsNamed(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, storeDir+relaystore.FormatSuffix+"3")
	if err := os.Mkdir(kept, dirMode); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	_, stop := start(t, Config{DataDir: dir, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	stop()
	wants(t, log.String(), kept, "remove it")
}

// fullDisk has no room left once it is told so.
type fullDisk struct{ full atomic.Bool }

func (f *fullDisk) String() string { return "fullDisk" }

func (f *fullDisk) MaybeError(op errorfs.Op) error {
	if f.full.Load() && op.Kind == errorfs.OpFileWrite {
		return &os.PathError{Op: "write", Path: op.Path, Err: syscall.ENOSPC}
	}
	return nil
}

// TestStoreFails ends the run as soon as the store is broken, with the reason.
// The store leaves its engine behind, so leaks are not looked for.
func TestStoreFails(t *testing.T) {
	disk := &fullDisk{}
	cfg := Config{DataDir: t.TempDir(), Addr: "127.0.0.1:0"}
	h, err := open(cfg, relaystore.Options{FS: errorfs.Wrap(vfs.Default, disk)})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- h.Run(context.Background()) }()
	info(t, h)
	disk.full.Store(true)
	if err := h.store.SetRelay(context.Background(), h.PublicKey()); !errors.Is(err, relay.ErrStoreFailed) {
		t.Errorf("the store: %v", err)
	}
	err = <-ended
	if !errors.Is(err, relay.ErrStoreFailed) {
		t.Fatalf("the run ended with %v", err)
	}
	wants(t, err.Error(), "the disk is full", "free some space")
	if c, err := net.Dial("tcp", h.Addr().String()); err == nil {
		c.Close()
		t.Error("it still listens")
	}
}

func TestPlain(t *testing.T) {
	h, stop := start(t, Config{DataDir: t.TempDir(), TLS: TLS{Mode: Off}})
	if answer := info(t, h); answer.Relay != h.PublicKey() {
		t.Error("the relay names another key")
	}
	stop()
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		wants(t, refused(t, Config{DataDir: t.TempDir(), Addr: addr, TLS: TLS{Mode: Off}}), "without TLS", "loopback")
	}
}

func TestPortInUse(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dir := t.TempDir()
	wants(t, refused(t, Config{DataDir: dir, Addr: ln.Addr().String()}), ln.Addr().String(), "in use", "another port")
	_, stop := start(t, Config{DataDir: dir}) // the directory is free again
	stop()
	wants(t, refused(t, Config{DataDir: dir, Addr: "nonsense"}), "nonsense")
}

func TestDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, refused(t, Config{DataDir: file}), file, "not a directory")
	wants(t, refused(t, Config{DataDir: filepath.Join(file, "data")}), file)
	wants(t, adviseDir(&os.PathError{Op: "mkdir", Path: "/srv/chat", Err: os.ErrPermission}).Error(), "/srv/chat", "permission", "give the directory")
	wants(t, adviseDir(relaystore.ErrLocked).Error(), "end that one")
}

func TestOwnNames(t *testing.T) {
	names := ownNames([]string{"Chat.Example.org", "localhost"}, "192.0.2.7:8443")
	for _, want := range []string{"chat.example.org", "localhost", "127.0.0.1", "::1", "192.0.2.7"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is missing in %v", want, names)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("%v", names)
	}
	for _, addr := range []string{":1", "0.0.0.0:1", "[::]:1"} {
		if n := ownNames(nil, addr); slices.ContainsFunc(n, unspecified) {
			t.Errorf("%s gives %v", addr, n)
		}
	}
}
