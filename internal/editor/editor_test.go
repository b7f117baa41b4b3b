package editor

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestSession: the file is for this user alone, and nothing of it is left.
func TestSession(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("needs sh, and modes of files")
	}
	dir := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", dir)
	script := filepath.Join(t.TempDir(), "edit")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nprintf ' and more\\n' >> \"$2\"; cp \"$2\" \"$2~\"; test \"$1\" = -w\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VISUAL", script+" -w")
	s, err := Begin("words")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{s.file: 0o600, filepath.Dir(s.file): 0o700} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
	}
	if out, err := s.Cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if text, err := s.End(); err != nil || text != "words and more\n" {
		t.Errorf("got %q, %v", text, err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 0 {
		t.Errorf("left is %v, %v", left, err)
	}
	if _, err := s.End(); err == nil {
		t.Error("a file that is not there is read")
	}
}

func TestRefused(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	t.Setenv("VISUAL", "")
	t.Setenv("EDITOR", "")
	if _, err := Begin("words"); !errors.Is(err, ErrNone) {
		t.Errorf("without an editor: %v", err)
	}
	t.Setenv("EDITOR", "true")
	s, err := Begin("")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.file, bytes.Repeat([]byte("x"), MaxText+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := s.End(); !errors.Is(err, ErrTooLong) || text != "" {
		t.Errorf("a long text: %d bytes, %v", len(text), err)
	}
}
