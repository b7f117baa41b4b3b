package relayhost

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// lookEvery is how soon a new certificate is in use. A look costs two stats.
	lookEvery = 10 * time.Second
	// warnBefore is how long before its end a certificate that nobody has renewed
	// is worth a warning: ACME clients renew 30 days before.
	warnBefore = 14 * 24 * time.Hour
	// warnEvery bounds how often that is said.
	warnEvery = 24 * time.Hour
	// maxPEM bounds what is read: a chain takes a tenth of it.
	maxPEM = 256 << 10
)

var errKeyWorld = errors.New("everybody on this machine can read the certificate's key; take that away with chmod o-rwx")

// pair is a certificate and its key from two files. New ones are taken once
// they fit each other; until then, and if they never do, the old ones serve.
type pair struct {
	cert, key string
	log       *slog.Logger
	current   atomic.Pointer[tls.Certificate] // no lock: handshakes do not wait for the disk

	mu     sync.Mutex     // guards what follows
	seen   [2]fs.FileInfo // what was read last, good or not
	warned time.Time
}

func openPair(cert, key string, log *slog.Logger) (*pair, error) {
	if cert == "" || key == "" {
		return nil, errors.New("a certificate from files needs two of them: --tls-cert, the leaf first, and --tls-key")
	}
	p := &pair{cert: cert, key: key, log: log}
	seen, err := p.stat()
	if err != nil {
		return nil, err
	}
	c, err := p.read(time.Now())
	if err != nil {
		return nil, err
	}
	p.seen = seen
	p.current.Store(c)
	return p, nil
}

func (p *pair) stat() (seen [2]fs.FileInfo, err error) {
	for i, name := range []string{p.cert, p.key} {
		if seen[i], err = os.Stat(name); err != nil {
			return seen, fmt.Errorf("read the TLS certificate: %w", err)
		}
	}
	return seen, nil
}

// read reads both files and checks that they can be used at a time.
func (p *pair) read(now time.Time) (*tls.Certificate, error) {
	chain, err := readPEM(p.cert, false)
	if err != nil {
		return nil, err
	}
	key, err := readPEM(p.key, true)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	c, err := tls.X509KeyPair(chain, key)
	if err != nil { // it does not tell the key
		return nil, fmt.Errorf("%s and %s are no certificate and its key: %w", p.cert, p.key, err)
	}
	if err := checkDates(c.Leaf, now); err != nil {
		return nil, fmt.Errorf("%s: %w", p.cert, err)
	}
	return &c, nil
}

// readPEM reads a file, and refuses one that is secret and that everybody can
// read. A group may: some systems have one for keys.
func readPEM(name string, secret bool) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate: %w", err)
	}
	if secret && runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		return nil, fmt.Errorf("%s: %w", name, errKeyWorld)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxPEM))
	if err != nil {
		return nil, fmt.Errorf("read the TLS certificate: %w", err)
	}
	return text, nil
}

func (p *pair) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c := p.current.Load()
	if !covers(c.Leaf, hello.ServerName) {
		return nil, nil
	}
	return c, nil
}

// keep looks for new files until ctx ends.
func (p *pair) keep(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		p.look(time.Now())
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// look takes the files if they have changed. What is wrong with them is said
// once for each change.
func (p *pair) look(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen, err := p.stat()
	if same(seen[0], p.seen[0]) && same(seen[1], p.seen[1]) {
		p.warn(now)
		return
	}
	p.seen = seen
	var c *tls.Certificate
	if err == nil {
		c, err = p.read(now)
	}
	if err != nil {
		p.log.Error("the new TLS certificate cannot be used; the one before stays", "error", err, "ends", p.current.Load().Leaf.NotAfter)
		return
	}
	p.current.Store(c)
	p.warned = time.Time{}
	p.log.Info("took a new TLS certificate", "ends", c.Leaf.NotAfter)
}

// same reports whether two looks saw the same file, or both none.
func same(a, b fs.FileInfo) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

func (p *pair) warn(now time.Time) {
	if ends := p.current.Load().Leaf.NotAfter; now.After(ends.Add(-warnBefore)) && now.Sub(p.warned) >= warnEvery {
		p.warned = now
		p.log.Warn("the TLS certificate ends soon; renew it", "file", p.cert, "ends", ends)
	}
}
