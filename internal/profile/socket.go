package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"secure-messaging/pkg/client"
)

// maxSocketPath is the longest path of a Unix socket on every system, in
// bytes: macOS has the shortest sun_path, 104 with the zero at its end.
const maxSocketPath = 103

// SocketPath says where the owner of a profile answers: beside the profile if
// that path is short enough for a socket, else in a folder of ours under
// $XDG_RUNTIME_DIR, or under the folder for temporary files.
func SocketPath(ref Ref) (string, error) {
	path := ref.path(socketFile)
	if len(path) <= maxSocketPath {
		return path, nil
	}
	hash := sha256.Sum256([]byte(ref.Dir))
	name := hex.EncodeToString(hash[:8])
	for _, base := range []string{runtimeDir(), os.TempDir()} {
		if !filepath.IsAbs(base) {
			continue
		}
		dir := filepath.Join(base, "chat-"+userID())
		if path = filepath.Join(dir, name); len(path) > maxSocketPath {
			continue
		}
		if err := privateDir(dir); err != nil {
			return "", &client.Error{Code: client.CodeStorage, Err: err, Text: "The folder " + dir + " cannot hold a private socket: it must be a folder that is yours, with mode 0700. Move away what is there, or set XDG_RUNTIME_DIR."}
		}
		return path, nil
	}
	return "", &client.Error{Code: client.CodeStorage, Text: "No path for a socket is short enough. Set XDG_RUNTIME_DIR to a folder of yours with a short name."}
}

// runtimeDir is $XDG_RUNTIME_DIR if it is what its specification wants, a folder
// of this user alone. After su, the variable still names that of another user,
// who could exchange what is in it.
func runtimeDir() string {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if info, err := os.Stat(dir); err != nil || !info.IsDir() || !private(info) {
		return ""
	}
	return dir
}

var errNotPrivate = errors.New("not a private folder")

// privateDir makes a folder that only this user can enter. One that is there
// already may have been put there by somebody else, so it is looked at.
func privateDir(dir string) error {
	if err := os.Mkdir(dir, dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !private(info) {
		return errNotPrivate
	}
	return nil
}
