package tui

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

// edited is what came back from the user's editor.
type edited struct {
	text string
	err  error
}

// openEditor hands what is written to the user's editor. It lies in a file for
// that long, which only the user can read, in memory where the system has a
// place for that.
func (m *model) openEditor() tea.Cmd {
	command := strings.Fields(cmp.Or(os.Getenv("VISUAL"), os.Getenv("EDITOR")))
	if len(command) == 0 {
		m.fail("No editor is set. Set one before you start chat, for example: export EDITOR=vi")
		return nil
	}
	file, err := writeOut(m.composer.value())
	if err != nil {
		m.fail("No file for the editor could be made in " + sanitize.Line(scratch()) + ". Look whether it has room and is yours to write.")
		return nil
	}
	cmd := exec.Command(command[0], append(command[1:], file)...)
	return tea.ExecProcess(cmd, func(err error) tea.Msg {
		text, readErr := takeBack(file)
		return edited{text, errors.Join(err, readErr)}
	})
}

// edited takes the text back. When the editor failed, what was written stays.
func (m *model) edited(e edited) {
	switch {
	case e.err != nil:
		m.fail("The editor has failed, and what you had written is as it was. Look at VISUAL and EDITOR.")
	case len(e.text) > maxPaste:
		m.fail("The text has " + size(len(e.text)) + ". A message takes 32 KiB. What you had written is as it was.")
	default:
		m.composer.set(sanitize.Text(strings.TrimRight(e.text, "\n")))
	}
}

// scratch is the folder for such files: of this user's session where there is
// one, which is in memory, else that for temporary files.
func scratch() string {
	candidates := []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"}
	if runtime.GOOS == "windows" {
		candidates = nil
	}
	for _, dir := range candidates {
		if info, err := os.Stat(dir); dir != "" && err == nil && info.IsDir() {
			return dir
		}
	}
	return os.TempDir()
}

// writeOut puts text into a file in a folder of its own, both for this user
// alone.
func writeOut(text string) (file string, err error) {
	dir, err := os.MkdirTemp(scratch(), "chat-")
	if err != nil {
		return "", err
	}
	file = filepath.Join(dir, "message.md")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return file, nil
}

// takeBack reads the file and takes it away, whatever the editor left beside
// it too. What it held is overwritten first, for what that is worth on a disk.
func takeBack(file string) (text string, err error) {
	defer os.RemoveAll(filepath.Dir(file))
	info, err := os.Stat(file)
	if err != nil {
		return "", err
	}
	var b []byte
	if info.Size() <= 4*client.MaxText {
		b, err = os.ReadFile(file)
	} else {
		b = make([]byte, maxPaste+1) // too long, whatever it is
	}
	return string(b), errors.Join(err, os.WriteFile(file, make([]byte, info.Size()), 0o600))
}
