package agent

import (
	"errors"
	"io/fs"
	"net"
	"os"

	"secure-messaging/pkg/client"
)

// Listen makes the socket of a profile. The caller holds the profile's lock,
// so a socket that is there already belongs to nobody; it closes the listener,
// which removes the socket, before it gives up the lock. The folder must be
// the user's alone.
func Listen(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, unusable(path, err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		ln.Close()
		return nil, unusable(path, err)
	}
	return ln, nil
}

// removeStale removes a socket that a crash has left, and nothing else.
func removeStale(path string) error {
	err := checkSocket(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return unusable(path, err)
	}
	return nil
}

func unusable(path string, err error) error {
	return &client.Error{Code: client.CodeStorage, Err: err, Text: "The profile's socket cannot be made. Check that the folder is yours and the disk has room: " + path}
}
