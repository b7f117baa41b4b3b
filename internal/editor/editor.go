// Package editor hands a text to the user's editor and takes it back. The text
// lies in a file for that long, which only the user can read, in memory where
// the system has a place for that.
package editor

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// ErrNone says that the user has set no editor.
var ErrNone = errors.New("no editor is set")

// MaxText is the longest text that is taken back, in bytes.
const MaxText = 64 << 10

// ErrTooLong says that the text has more than MaxText bytes.
var ErrTooLong = fmt.Errorf("the text has more than %d bytes", MaxText)

// Session is one use of the editor.
type Session struct {
	Cmd  *exec.Cmd // to be run on the user's terminal
	file string
}

// Begin writes the text into its file and prepares the editor that VISUAL or
// EDITOR names. Whoever begins must end the session.
func Begin(text string) (*Session, error) {
	command := strings.Fields(cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR")))
	if len(command) == 0 {
		return nil, ErrNone
	}
	dir, err := os.MkdirTemp(scratch(), "chat-")
	if err != nil {
		return nil, err
	}
	s := &Session{file: filepath.Join(dir, "message.md")}
	if err := os.WriteFile(s.file, []byte(text), 0o600); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	s.Cmd = exec.Command(command[0], append(command[1:], s.file)...)
	return s, nil
}

// End reads the text and takes the file away, and whatever the editor has left
// beside it. What it held is overwritten in its place first, for what that is
// worth on a disk.
func (s *Session) End() (text string, err error) {
	defer os.RemoveAll(filepath.Dir(s.file))
	info, err := os.Stat(s.file)
	if err != nil {
		return "", err
	}
	var b []byte
	if info.Size() > MaxText {
		err = ErrTooLong
	} else {
		b, err = os.ReadFile(s.file)
	}
	return string(b), errors.Join(err, overwrite(s.file, info.Size()))
}

// overwrite writes zeros where the text stands: a file that is made empty first
// may get another place.
func overwrite(file string, size int64) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, size))
	return errors.Join(err, f.Sync(), f.Close())
}

// scratch is the folder for such files: of this user's session where there is
// one, which is in memory, else that for temporary files.
func scratch() string {
	if runtime.GOOS != "windows" {
		for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"} {
			if info, err := os.Stat(dir); err == nil && info.IsDir() {
				return dir
			}
		}
	}
	return os.TempDir()
}
