package profile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// writeFile makes a file that is on the disk when it returns.
func writeFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// replaceFile writes a file beside path and renames it into place, so that a
// reader sees the old or the new one; where it is durable, also after a power cut,
// and the new one alone once it has returned.
func replaceFile(path string, b []byte, durable bool) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if durable {
		err = errors.Join(err, f.Sync())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	if durable {
		err = syncDir(filepath.Dir(path))
	}
	return err
}

// syncDir puts the names in a folder on the disk. Windows has no such call and
// does it by itself.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
