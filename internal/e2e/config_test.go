//go:build unix

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// The keys of the file are those of the screen, and a theme that is chosen
// there is written into it, beside what the user wrote.
func TestSettings(t *testing.T) {
	dir := t.TempDir()
	tmp := t.TempDir()
	file := filepath.Join(dir, "config", "secure-messaging", "config.toml")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("# mine\ntheme = \"night\" # blue\n[keys]\njump = [\"ctrl+g\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startScreen(t, append(environment(dir), "TMPDIR="+tmp), 100, 30, "chat", "demo")
	s.until("connected", "ctrl+g jump")
	s.keys("\x07")
	s.until("Jump to")
	s.keys("\x1b")
	s.gone("Jump to")
	s.keys("/theme ember" + enter)
	s.until("The theme is ember.")
	s.keys("/quit" + enter)
	if code := s.exit(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	want := "# mine\ntheme = \"ember\" # blue\n[keys]\njump = [\"ctrl+g\"]\n"
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("the file is %q, %v", got, err)
	}
}
