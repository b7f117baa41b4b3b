package relayhost

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"secure-messaging/internal/relaystore"
)

// found returns the one finding of a check.
func found(t *testing.T, all []Finding, check, result string, says ...string) {
	t.Helper()
	for _, f := range all {
		if f.Check != check {
			continue
		}
		if f.Result != result {
			t.Errorf("%s: %s, wanted %s: %s", check, f.Result, result, f.Says)
		}
		wants(t, f.Says, says...)
		return
	}
	t.Errorf("nothing was said about the %s", check)
}

// problems are the checks that found something wrong.
func problems(all []Finding) string {
	var names []string
	for _, f := range all {
		if f.Result == Problem {
			names = append(names, f.Check)
		}
	}
	return strings.Join(names, " ")
}

func TestCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	cfg := Config{DataDir: dir, Addr: "127.0.0.1:0"}
	all := Check(cfg)
	if got := problems(all); got != "" {
		t.Errorf("before the first start: %s", got)
	}
	found(t, all, "key", Fine, "first start")
	if _, err := os.Stat(dir); err == nil {
		t.Error("the check has made the folder")
	}

	h, stop := start(t, cfg)
	running := cfg
	running.Addr = h.Addr().String()
	all = Check(running)
	if got := problems(all); got != "" {
		t.Errorf("while it runs: %s: %v", got, all)
	}
	found(t, all, "store", Fine, "a relay runs")
	found(t, all, "port", Fine, "a relay runs on this data")
	found(t, all, "key", Fine, string(h.Fingerprint()))
	info(t, h) // which goes on
	stop()
	all = Check(running)
	if got := problems(all); got != "" {
		t.Errorf("after it: %s: %v", got, all)
	}
	found(t, all, "store", Fine, "that of this version")
	found(t, all, "disk", Fine, "MiB are free")
}

// TestCheckFinds: each fault is found by its check, and by no other.
func TestCheckFinds(t *testing.T) {
	ca := newIssuer(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for name, c := range map[string]struct {
		check string
		spoil func(t *testing.T, cfg *Config)
		says  []string
	}{
		"a key that others read": {"key", func(t *testing.T, cfg *Config) { chmod(t, filepath.Join(cfg.DataDir, keyFile), 0o644) }, []string{"chmod 600"}},
		"no key": {"key", func(t *testing.T, cfg *Config) {
			if err := os.Remove(filepath.Join(cfg.DataDir, keyFile)); err != nil {
				t.Fatal(err)
			}
		}, []string{"restore"}},
		"a folder that others write": {"folder", func(t *testing.T, cfg *Config) { chmod(t, cfg.DataDir, 0o777) }, []string{"chmod 700"}},
		"a restore that was cut off": {"folder", func(t *testing.T, cfg *Config) {
			if err := os.Mkdir(filepath.Join(cfg.DataDir, restoringDir), dirMode); err != nil {
				t.Fatal(err)
			}
			wants(t, refused(t, *cfg), "restore again")
		}, []string{"restore again"}},
		"too long a path": {"folder", func(t *testing.T, cfg *Config) {
			long := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
			if err := os.Rename(cfg.DataDir, long); err != nil {
				t.Fatal(err)
			}
			cfg.DataDir = long
		}, []string{"no command reaches the relay", "a shorter --data"}},
		"a port that is taken":          {"port", func(t *testing.T, cfg *Config) { cfg.Addr = taken.Addr().String() }, []string{"in use", "another port"}},
		"plain for the world":           {"port", func(t *testing.T, cfg *Config) { cfg.Addr, cfg.TLS.Mode = "0.0.0.0:0", Off }, []string{"without TLS"}},
		"metrics where another listens": {"metrics", func(t *testing.T, cfg *Config) { cfg.Metrics = taken.Addr().String() }, []string{"in use", "--metrics"}},
		"metrics for the world":         {"metrics", func(t *testing.T, cfg *Config) { cfg.Metrics = "0.0.0.0:0" }, []string{"--metrics-public"}},
		"a clock that was set back": {"clock", func(t *testing.T, cfg *Config) {
			later := time.Now().Add(time.Hour)
			if err := os.Chtimes(filepath.Join(cfg.DataDir, keyFile), later, later); err != nil {
				t.Fatal(err)
			}
		}, []string{"set the clock"}},
		"a certificate that ends soon": {"certificate", func(t *testing.T, cfg *Config) {
			useFiles(t, ca, cfg, time.Now().Add(time.Hour))
		}, []string{"nobody has renewed it"}},
		"a certificate for another name": {"certificate", func(t *testing.T, cfg *Config) {
			useFiles(t, ca, cfg, time.Now().Add(900*time.Hour))
			cfg.Hosts = []string{"other.example.org"}
		}, []string{"is not for other.example.org"}},
		"a newer store": {"store", func(t *testing.T, cfg *Config) {
			db, err := pebble.Open(filepath.Join(cfg.DataDir, storeDir), &pebble.Options{Logger: quiet{}})
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(db.Set([]byte("F"), []byte{relaystore.Format + 1}, pebble.Sync), db.Close()); err != nil {
				t.Fatal(err)
			}
			wants(t, refused(t, *cfg), "newer version")
		}, []string{"newer version", "install"}},
		"a damaged store": {"store", func(t *testing.T, cfg *Config) {
			if err := os.Truncate(newestManifest(t, cfg), 3); err != nil {
				t.Fatal(err)
			}
			wants(t, refused(t, *cfg), "damaged", "restore a backup")
		}, []string{"damaged", "restore a backup"}},
		"a store without its manifest": {"store", func(t *testing.T, cfg *Config) {
			if err := os.Remove(newestManifest(t, cfg)); err != nil {
				t.Fatal(err)
			}
			wants(t, refused(t, *cfg), "damaged", "restore a backup")
		}, []string{"damaged", "restore a backup"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{DataDir: filepath.Join(shortDir(t), "data"), Addr: "127.0.0.1:0"}
			_, stop := start(t, cfg)
			stop()
			c.spoil(t, &cfg)
			all := Check(cfg)
			found(t, all, c.check, Problem, c.says...)
			if got := problems(all); got != c.check {
				t.Errorf("found: %s", got)
			}
		})
	}
}

// shortDir is a folder whose path leaves room for a socket, unlike one that has
// the name of the test in it.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "relay")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// quiet is a log of the engine that says nothing.
type quiet struct{}

func (quiet) Infof(string, ...any)  {}
func (quiet) Errorf(string, ...any) {}
func (quiet) Fatalf(f string, args ...any) {
	panic(fmt.Sprintf(f, args...))
}

func chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("rights are not modes there")
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func useFiles(t *testing.T, ca *issuer, cfg *Config, ends time.Time) {
	t.Helper()
	dir := t.TempDir()
	cert, key := ca.issue(t, ends, "chat.example.org")
	cfg.TLS = TLS{Mode: Files, CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	write(t, cfg.TLS.CertFile, cert)
	write(t, cfg.TLS.KeyFile, key)
}

func newestManifest(t *testing.T, cfg *Config) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(cfg.DataDir, storeDir, "MANIFEST-*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no manifest: %v", err)
	}
	return names[len(names)-1]
}
