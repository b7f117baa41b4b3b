package relayhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"secure-messaging/internal/relayadmin"
)

// The admin socket is where an operator's commands talk to a running relay:
// HTTP, in a folder of its own that is its owner's alone before the socket is
// made in it.
const (
	adminDir     = "admin"
	adminSocket  = "socket"
	adminHeaders = 10 * time.Second
)

// maxSocketPath is what the system has room for.
const maxSocketPath = len(syscall.RawSockaddrUnix{}.Path) - 1

// ErrNotRunning says that no relay runs on a data directory.
var ErrNotRunning = relayadmin.ErrNotRunning

func adminPath(dir string) string { return filepath.Join(dir, adminDir, adminSocket) }

// checkAdminPath finds a path that no socket can have.
func checkAdminPath(dir string) error {
	if n := len(adminPath(dir)); n > maxSocketPath {
		return fmt.Errorf("%s: %w: it has %d bytes, and may have %d; choose a shorter --data", adminPath(dir), relayadmin.ErrLongPath, n, maxSocketPath)
	}
	return nil
}

// listenAdmin makes the socket. The caller has the store locked, so one that is
// there belongs to nobody.
func listenAdmin(dir string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Join(dir, adminDir), dirMode); err != nil {
		return nil, err
	}
	if err := os.Chmod(filepath.Join(dir, adminDir), dirMode); err != nil {
		return nil, err
	}
	if err := os.Remove(adminPath(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := checkAdminPath(dir); err != nil {
		return nil, err
	}
	ln, err := net.Listen("unix", adminPath(dir))
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(adminPath(dir), 0o600); err != nil {
		ln.Close()
		return nil, err
	}
	return ln, nil
}

// adminHandler has what an operator can ask.
func (h *Host) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /backup", h.serveBackup)
	mux.Handle("/", h.operatorHandler())
	return mux
}

// serveAdmin answers on the socket until ctx ends; what is under way then is
// cut off.
func (h *Host) serveAdmin(ctx context.Context) {
	server := &http.Server{
		Handler: h.adminHandler(), ReadHeaderTimeout: adminHeaders,
		ErrorLog: log.New(io.Discard, "", 0), // about requests that were cut off
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(h.admin); ctx.Err() == nil {
		h.log.Error("the admin socket has failed; commands need a restart of the relay", "error", err)
	}
}

// Admin returns a client for the relay that runs on a data directory: the host
// of its URLs does not matter. Its requests fail with ErrNotRunning if there is none.
func Admin(dir string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "unix", adminPath(dir))
		switch long := checkAdminPath(dir); {
		case err == nil:
		case long != nil:
			err = fmt.Errorf("%w (%w)", ErrNotRunning, long)
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
			err = fmt.Errorf("%w (%s)", ErrNotRunning, dir)
		}
		return c, err
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}
