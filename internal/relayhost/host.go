// Package relayhost runs a relay from a data directory: what the server's
// command, the demonstration and the tests share.
//
// The directory holds
//
//	relay.key    the relay's identity, readable by its owner alone
//	store/       users, contacts and what waits for its recipients, sealed files too
//	admin/       the socket of the operator's commands, while the relay runs
//	acme/        certificates of a public authority, where there are any
//
// and belongs to one process at a time.
package relayhost

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"secure-messaging/internal/relaystore"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/relay"
	"secure-messaging/pkg/relay/ratelimit"
)

const (
	keyFile     = "relay.key"
	storeDir    = "store"
	dirMode     = 0o700
	expireEvery = time.Hour // a message lives that much longer at most
	roomEvery   = 10 * time.Second
	quietTime   = 10 * time.Second
	quietFrames = 500              // fewer logins and frames in that time are quiet
	drainTime   = 10 * time.Second // for connections to close; the grace of one is 2 s
)

// Config says what to run. DataDir and Addr are required.
type Config struct {
	DataDir  string       // made if it is not there
	Addr     string       // host:port to listen on; port 0 for any
	Listener net.Listener // in place of one on Addr, and Open's to close; nil for none
	Hosts    []string     // names that clients dial, besides this machine's own; empty for any
	TLS      TLS          // zero for certificates under the relay's own key

	Proxies ratelimit.Proxies // whose word on addresses counts; nil for this machine's with TLS off, else nobody's
	Origins []string          // see relay.Config
	Limits  ratelimit.Limits  // zero for the defaults
	Logger  *slog.Logger      // nil for none

	Registration  relay.Registration // of new names
	LogMessages   bool               // see relay.Config
	Metrics       string             // host:port for Prometheus; empty for none
	MetricsPublic bool               // not on a loopback address alone
}

// Host is a relay with its listener and its store. Make it with Open; Run ends
// it.
type Host struct {
	dir     string
	store   *relaystore.Store
	relay   *relay.Relay
	ln      net.Listener
	tls     *tls.Config  // nil for plain HTTP
	admin   net.Listener // nil if it could not be made
	certs   certifier    // nil for certificates under the relay's own key
	log     *slog.Logger
	began   time.Time
	metrics net.Listener           // nil for none
	url     atomic.Pointer[string] // see Announce
}

// Open prepares everything and listens, so that Addr is known. Connections are
// answered once Run is called, which has to be.
func Open(cfg Config) (*Host, error) { return open(cfg, relaystore.Options{}) }

func open(cfg Config, options relaystore.Options) (_ *Host, err error) {
	h := &Host{dir: cfg.DataDir, ln: cfg.Listener, log: cfg.Logger, began: time.Now()}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			h.closeAll()
		}
	}()
	if cfg.Limits == (ratelimit.Limits{}) {
		cfg.Limits = ratelimit.Default()
	}
	if err := cfg.Limits.Validate(); err != nil {
		return nil, fmt.Errorf("limits: %w", err)
	}
	options.Limits = relay.MailboxLimits{
		Entries:  uint64(cfg.Limits.MailboxMessages),
		Bytes:    uint64(cfg.Limits.MailboxBytes),
		Requests: uint64(cfg.Limits.MailboxRequests),
	}
	options.MaxBytes = uint64(cfg.Limits.StoreBytes)
	options.FileBytes, options.OwnerBytes = uint64(cfg.Limits.FilesBytes), uint64(cfg.Limits.FilesBytesOfUser)
	if err := CheckHosts(cfg.Hosts); err != nil {
		return nil, err
	}
	if err := makeDir(cfg.DataDir); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", adviseDir(err))
	}
	if halfRestored(cfg.DataDir) {
		return nil, fmt.Errorf("%s: %w", cfg.DataDir, errRestoring)
	}
	if err := checkOwner(cfg.DataDir); err != nil {
		return nil, err
	}
	if info, err := os.Stat(cfg.DataDir); err == nil && othersWrite(info) {
		h.log.Warn(errOthersWrite.Error(), "in", cfg.DataDir)
	}
	if h.store, err = relaystore.Open(filepath.Join(cfg.DataDir, storeDir), options); err != nil {
		return nil, adviseDir(err)
	}
	if kept, _ := filepath.Glob(filepath.Join(cfg.DataDir, storeDir+relaystore.FormatSuffix+"*")); len(kept) > 0 {
		h.log.Info("data of an older version is kept, to go back to; remove it when you are content", "in", kept)
	}
	key, err := identity(h.store, filepath.Join(cfg.DataDir, keyFile))
	if err != nil {
		return nil, adviseDir(err)
	}
	if h.ln != nil {
		cfg.Addr = h.Addr().String()
	} else if h.ln, err = listen(cfg.Addr); err != nil {
		return nil, err
	}
	if err := checkListener(h.ln, cfg.TLS); err != nil {
		return nil, err
	}
	if h.admin, err = listenAdmin(cfg.DataDir); err != nil {
		h.log.Error("the admin socket cannot be made: no command reaches this relay, and a backup needs it to be stopped", "error", err)
	}
	if h.metrics, err = listenMetrics(cfg.Metrics, cfg.MetricsPublic); err != nil {
		return nil, err
	}
	names := ownNames(slices.Concat(cfg.Hosts, cfg.TLS.ACME.Domains), cfg.Addr)
	if h.tls, h.certs, err = secure(cfg.TLS, key, names, cfg.DataDir, h.log); err != nil {
		return nil, err
	}
	rc := relay.Config{
		Key: key, Directory: h.store, Prekeys: h.store, Mailboxes: h.store, Files: h.store, Accounts: h.store, Invites: h.store,
		Registration: cfg.Registration, LogMessages: cfg.LogMessages,
		Origins: cfg.Origins, Logger: cfg.Logger,
		Limits: cfg.Limits, Proxies: cfg.proxies(), HSTS: cfg.TLS.public(),
	}
	if len(cfg.Hosts) > 0 {
		rc.Hosts = names
	}
	h.relay = relay.New(rc)
	return h, nil
}

// closeAll undoes what Open has done by now.
func (h *Host) closeAll() {
	if h.ln != nil {
		h.ln.Close()
	}
	if h.admin != nil {
		h.admin.Close()
	}
	if h.metrics != nil {
		h.metrics.Close()
	}
	if h.store != nil {
		h.store.Close()
	}
}

// Addr returns the address that the relay listens on.
func (h *Host) Addr() net.Addr { return h.ln.Addr() }

// PublicKey returns the key that names the relay.
func (h *Host) PublicKey() crypto.RelayPublic { return h.relay.PublicKey() }

// Fingerprint names that key to people.
func (h *Host) Fingerprint() crypto.Fingerprint { return h.PublicKey().Fingerprint() }

// DataDir returns the data directory.
func (h *Host) DataDir() string { return h.dir }

// Run serves until ctx ends or the store fails. Then it lets the connections
// close in order, for a limited time, and closes the store. It returns nil
// after ctx has ended, and otherwise why it could not go on.
func (h *Host) Run(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-h.store.Failed(): // perhaps while nobody needs it
			stop()
		case <-serving.Done():
		}
	}()
	var chores sync.WaitGroup
	chores.Go(func() { h.expire(serving) })
	chores.Go(func() { h.breathe(serving) })
	chores.Go(func() { h.watchRoom(serving) })
	if h.admin != nil {
		chores.Go(func() { h.serveAdmin(serving) })
	}
	if h.metrics != nil {
		chores.Go(func() { h.serveMetrics(serving) })
	}
	if h.certs != nil {
		chores.Go(func() { h.certs.keep(serving) })
	}
	err := h.relay.Serve(serving, h.ln, h.tls)
	stop()
	chores.Wait()
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if drainErr := h.relay.Shutdown(draining); drainErr != nil {
		h.log.Warn("some connections did not close in time", "limit", drainTime)
	}
	closeErr := h.store.Close()
	switch {
	case h.store.Err() != nil:
		return h.store.Err()
	case err != nil:
		return fmt.Errorf("serve on %s: %w", h.Addr(), err)
	case closeErr != nil:
		return fmt.Errorf("close the store: %w", closeErr)
	}
	return nil
}

// expire drops what has waited for too long, until ctx ends.
func (h *Host) expire(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		dropped, err := h.relay.Expire(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			h.log.Error("what has waited for too long could not be dropped; it is tried again", "in", expireEvery, "error", err)
		case dropped > 0:
			h.log.Info("dropped what has waited for too long", "entries", dropped)
		}
		if files, err := h.relay.ExpireFiles(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("files that were kept for long enough could not be dropped; it is tried again", "in", expireEvery, "error", err)
		} else if files > 0 {
			h.log.Info("dropped files that were kept for long enough", "files", files)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// watchRoom looks at the disk until ctx ends.
func (h *Host) watchRoom(ctx context.Context) {
	tick := time.NewTicker(roomEvery)
	defer tick.Stop()
	for full := false; ; {
		full = h.tellRoom(ctx, full)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tellRoom logs when the disk has become too full for messages, or is so no
// more, and reports whether it is.
func (h *Host) tellRoom(ctx context.Context, full bool) bool {
	err := h.store.Ready(ctx)
	switch {
	case ctx.Err() != nil || h.store.Err() != nil: // which the end of the run tells
	case err != nil && !full:
		h.log.Error("no messages are taken until there is room", "error", err)
	case err == nil && full:
		h.log.Info("there is room again, and messages are taken")
	}
	return err != nil
}

// breathe gives memory back to the system when the relay has become quiet, once
// each time: a burst of logins leaves behind as much as it needs for good.
func (h *Host) breathe(ctx context.Context) {
	tick := time.NewTicker(quietTime)
	defer tick.Stop()
	var before uint64
	tidy := false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		counts := h.relay.Snapshot()
		frames := counts[relay.CountFramesIn] + counts[relay.CountLogins]
		quiet := frames-before < quietFrames
		if quiet && !tidy {
			debug.FreeOSMemory()
		}
		before, tidy = frames, quiet
	}
}
