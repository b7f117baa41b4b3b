package relayhost

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/crypto/acme/autocert"

	"secure-messaging/internal/diskspace"
	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/relay/ratelimit"
)

// Results of a check.
const (
	Fine    = "ok"
	Problem = "problem"
	Unknown = "unknown"
)

// Finding is what one check has seen, and what to do about a problem.
type Finding struct {
	Check  string `json:"check"`
	Result string `json:"result"` // Fine, Problem or Unknown
	Says   string `json:"says"`
}

// clockBack is how far in the future a file may be before the clock is wrong.
const clockBack = time.Minute

func fine(check, format string, args ...any) Finding {
	return Finding{check, Fine, fmt.Sprintf(format, args...)}
}

func problem(check string, err error) Finding {
	return Finding{check, Problem, err.Error() + "."}
}

// Check looks for what would keep a relay from running well, and changes
// nothing. It is for the user that runs the relay, whose rights count, or for root.
func Check(cfg Config) []Finding {
	if cfg.Limits == (ratelimit.Limits{}) {
		cfg.Limits = ratelimit.Default()
	}
	state, err := relaystore.Look(filepath.Join(cfg.DataDir, storeDir))
	found := []Finding{checkFolder(cfg.DataDir), checkStore(state, err), checkKey(cfg.DataDir, state.There)}
	found = append(found, checkDisk(cfg)...)
	now := time.Now()
	found = append(found, checkCertificate(cfg, now), checkClock(cfg.DataDir, now), checkPort(cfg, state.InUse))
	if cfg.Metrics != "" {
		found = append(found, checkMetrics(cfg, state.InUse))
	}
	return found
}

func checkFolder(dir string) Finding {
	const name = "folder"
	info, err := os.Stat(dir)
	switch long := checkAdminPath(dir); {
	case long != nil:
		return problem(name, fmt.Errorf("no command reaches the relay: %w", long))
	case errors.Is(err, fs.ErrNotExist):
		return fine(name, "%s is not there yet; the first start makes it.", dir)
	case err != nil:
		return problem(name, adviseDir(err))
	case !info.IsDir():
		return problem(name, fmt.Errorf("%s is not a directory; choose another with --data", dir))
	case halfRestored(dir):
		return problem(name, fmt.Errorf("%s: %w", dir, errRestoring))
	case othersWrite(info):
		return problem(name, fmt.Errorf("%s: %w", dir, errOthersWrite))
	case !ours(info) && os.Geteuid() != 0:
		return problem(name, fmt.Errorf("%s belongs to another user; run this as the one that runs the relay, or give it to this one with chown -R", dir))
	}
	return fine(name, "%s is there, and nobody else can write into it.", dir)
}

var errOthersWrite = errors.New("others on this machine can write into the data folder, and put another key there; take that away with chmod 700")

// othersWrite reports whether a folder is open to more than its owner.
func othersWrite(folder fs.FileInfo) bool {
	return runtime.GOOS != "windows" && folder.Mode().Perm()&0o022 != 0
}

func checkStore(state relaystore.State, err error) Finding {
	const name = "store"
	switch {
	case err != nil:
		return problem(name, adviseDir(err))
	case !state.There:
		return fine(name, "there is none yet; the first start makes it.")
	case state.InUse:
		return fine(name, "a relay runs on it.")
	case state.Format > relaystore.Format:
		return problem(name, fmt.Errorf("%w: format %d, and this one knows %d; install the newer one", relaystore.ErrNewer, state.Format, relaystore.Format))
	case state.Format < relaystore.Format:
		return fine(name, "its data has format %d; the next start brings it to %d and keeps a copy of what was before.", state.Format, relaystore.Format)
	}
	return fine(name, "its data has format %d, that of this version.", state.Format)
}

func checkKey(dir string, hasStore bool) Finding {
	const name = "key"
	path := filepath.Join(dir, keyFile)
	theirs := ours
	if info, err := os.Stat(dir); err == nil {
		theirs = looksAfter(info)
	}
	key, err := readKeyOf(path, theirs)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !hasStore:
		return fine(name, "there is none yet; the first start makes it.")
	case errors.Is(err, fs.ErrNotExist):
		return problem(name, fmt.Errorf("%s: %w", path, errNoKey))
	case err != nil:
		return problem(name, err)
	}
	return fine(name, "the relay is %s; nobody else can read its key.", key.Public().Fingerprint())
}

// checkDisk looks at the disk that has the folder, or will have it.
func checkDisk(cfg Config) []Finding {
	const name = "disk"
	dir := cfg.DataDir
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
	}
	free, err := diskspace.Free(dir)
	const mib = 1 << 20
	may := uint64(cfg.Limits.StoreBytes) + uint64(cfg.Limits.FilesBytes)
	switch {
	case err != nil:
		return []Finding{{name, Unknown, err.Error()}}
	case free < relaystore.RoomForMessages:
		return []Finding{problem(name, fmt.Errorf("%d MiB are free, and below %d MiB no message is taken; make room", free/mib, relaystore.RoomForMessages/mib))}
	case free < relaystore.RoomForFiles:
		return []Finding{problem(name, fmt.Errorf("%d MiB are free, and below %d MiB no file is taken; make room", free/mib, relaystore.RoomForFiles/mib))}
	case free < may:
		return []Finding{fine(name, "%d MiB are free. The limits let messages and files take %d MiB in all: lower storeBytes or filesBytes (see: server limits), or the disk is full before they are reached.", free/mib, may/mib)}
	}
	return []Finding{fine(name, "%d MiB are free, and the limits let messages and files take %d MiB in all.", free/mib, may/mib)}
}

func checkCertificate(cfg Config, now time.Time) Finding {
	const name = "certificate"
	quiet := slog.New(slog.DiscardHandler)
	switch cfg.TLS.mode() {
	case Off:
		return fine(name, "none: a proxy does TLS. Its word on addresses counts from %v.", cfg.proxies())
	case Files:
		p, err := openPair(cfg.TLS.CertFile, cfg.TLS.KeyFile, quiet)
		if err != nil {
			return problem(name, err)
		}
		current := p.current.Load()
		for _, host := range cfg.Hosts {
			if current.Leaf.VerifyHostname(host) != nil {
				return problem(name, fmt.Errorf("%s is not for %s, which clients dial; get one that is, or leave out --host %s", cfg.TLS.CertFile, host, host))
			}
		}
		return checkEnd(name, current, now, warnBefore)
	case ACME:
		a, err := newAuthority(cfg.TLS.ACME, cfg.DataDir, quiet)
		if err != nil {
			return problem(name, err)
		}
		return checkCached(name, a, now)
	}
	return fine(name, "made at each start from the relay's key, which clients pin.")
}

func checkEnd(name string, c *tls.Certificate, now time.Time, early time.Duration) Finding {
	ends := c.Leaf.NotAfter
	if now.After(ends.Add(-early)) {
		return problem(name, fmt.Errorf("it ends %s, and nobody has renewed it; do", ends.Format(time.DateTime)))
	}
	return fine(name, "it is good until %s.", ends.Format(time.DateOnly))
}

// checkCached looks at the certificates that the authority gave before.
func checkCached(name string, a *authority, now time.Time) Finding {
	ends := time.Time{}
	for _, d := range a.domains {
		text, err := a.manager.Cache.Get(context.Background(), d)
		if errors.Is(err, autocert.ErrCacheMiss) {
			return Finding{name, Unknown, fmt.Sprintf("there is none for %s yet. The relay gets one when it runs; port 443 of that name has to lead to it.", d)}
		}
		if err != nil {
			return problem(name, err)
		}
		c, err := tls.X509KeyPair(text, text)
		clear(text)
		if err != nil {
			return problem(name, fmt.Errorf("what was kept for %s in %s cannot be read; remove it, and the relay gets a new one", d, acmeDir))
		}
		if err := checkDates(c.Leaf, now); err != nil {
			return problem(name, fmt.Errorf("for %s, %w. The relay renews it by itself when it runs, if port 443 of that name leads to it", d, err))
		}
		if late(c.Leaf, now) {
			return problem(name, fmt.Errorf("for %s, it ends %s, and should have been renewed by now. The relay does that when it runs, if port 443 of that name leads to it", d, c.Leaf.NotAfter.Format(time.DateTime)))
		}
		if ends.IsZero() || c.Leaf.NotAfter.Before(ends) {
			ends = c.Leaf.NotAfter
		}
	}
	return fine(name, "it is good until %s; the relay renews it by itself.", ends.Format(time.DateOnly))
}

// checkClock looks for signs of a wrong clock: what expires, logins and
// certificates go by it.
func checkClock(dir string, now time.Time) Finding {
	const name = "clock"
	var newest time.Time
	for _, sub := range []string{".", storeDir} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			continue // not there yet, or another check's finding
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.ModTime().After(newest) {
				newest = info.ModTime()
			}
		}
	}
	if newest.After(now.Add(clockBack)) {
		return problem(name, fmt.Errorf("it says %s, and the data was written at %s; set the clock", now.Format(time.DateTime), newest.Format(time.DateTime)))
	}
	switch synchronized, known := clockIsKept(); {
	case !known:
		return Finding{name, Unknown, fmt.Sprintf("it says %s; whether anything keeps it right cannot be seen here.", now.Format(time.DateTime))}
	case !synchronized:
		return Finding{name, Unknown, fmt.Sprintf("it says %s, and nothing that this machine knows of keeps it right; let chrony or systemd-timesyncd run.", now.Format(time.DateTime))}
	}
	return fine(name, "it says %s, and is kept right.", now.Format(time.DateTime))
}

// checkPort listens for a moment.
func checkPort(cfg Config, running bool) Finding {
	const name = "port"
	ln, err := listen(cfg.Addr)
	if err == nil {
		err = checkListener(ln, cfg.TLS)
		ln.Close()
	}
	return heard(name, cfg.Addr, err, running)
}

// checkMetrics does the same where Prometheus reads.
func checkMetrics(cfg Config, running bool) Finding {
	ln, err := listenMetrics(cfg.Metrics, cfg.MetricsPublic)
	if err == nil {
		ln.Close()
	}
	return heard("metrics", cfg.Metrics, err, running)
}

// heard is what comes of listening on an address.
func heard(name, addr string, err error, running bool) Finding {
	switch {
	case errors.Is(err, syscall.EADDRINUSE) && running:
		return fine(name, "%s is in use, and a relay runs on this data.", addr)
	case err != nil:
		return problem(name, err)
	}
	return fine(name, "%s is free to listen on.", addr)
}
