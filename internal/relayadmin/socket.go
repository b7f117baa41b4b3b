package relayadmin

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
)

const (
	folder = "admin"  // in the data directory
	socket = "socket" // in the folder

	// maxPath is the longest path of a Unix socket on every system, in bytes:
	// macOS has the shortest sun_path, 104 with the zero at its end.
	maxPath = 103
)

// ErrLongPath says that there can be no socket in a data directory.
var ErrLongPath = errors.New("the path of the data directory is too long for a socket in it; choose a shorter one")

// path names the socket in a data directory.
func path(dataDir string) (string, error) {
	dir, err := filepath.Abs(filepath.Join(dataDir, folder))
	if err != nil {
		return "", err
	}
	p := filepath.Join(dir, socket)
	if len(p) > maxPath {
		return "", fmt.Errorf("%w: %s", ErrLongPath, dataDir)
	}
	return p, nil
}

// Listen makes the socket in a data directory, which is the caller's alone: what
// is there already is the rest of a crash. The folder around it, which only its
// owner can enter, keeps others out before the socket has its mode.
func Listen(dataDir string) (net.Listener, error) {
	p, err := path(dataDir)
	if err != nil {
		return nil, err
	}
	dir := filepath.Dir(p)
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() || !ours(info) {
		return nil, fmt.Errorf("%s is not a folder of this user; move it away", dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return nil, err
	}
	if info, err := os.Lstat(p); err == nil && info.Mode()&fs.ModeSocket == 0 {
		return nil, fmt.Errorf("%s is not a socket; move it away", p)
	} else if err == nil {
		if err := os.Remove(p); err != nil {
			return nil, err
		}
	}
	ln, err := net.Listen("unix", p)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(p, 0o600); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}
