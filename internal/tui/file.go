package tui

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

// file draws the line of a file: its name, its size, and how far it has come.
func (p *page) file(m *client.Message, width int) string {
	f := client.File{}
	if m.File != nil {
		f = *m.File
	}
	note := "  " + size(int(f.Size))
	switch {
	case f.Done > 0 && f.Done < f.Size:
		note += fmt.Sprintf("  %d %%", 100*f.Done/f.Size)
	case f.Saved != "":
		note += "  saved"
	}
	name := p.cut(f.Name, width-p.cells.StringWidth(p.File+" "+note))
	return p.Accent.Render(p.File) + " " + p.Strong.Render(name) + p.Dim.Render(note)
}

// fileName names a file in a sentence.
func fileName(m *client.Message) string {
	if m.File == nil {
		return ""
	}
	return m.File.Name
}

// commandFile sends a file to the open conversation.
func (m *model) commandFile(args string) (tea.Cmd, string) {
	if args == "" {
		return nil, "Which file? /file PATH; " + pressed(m.keys.Complete) + " completes it."
	}
	if complaint := m.unsendable(m.roster.get(m.current), ""); complaint != "" {
		return nil, complaint
	}
	path, err := filepath.Abs(unquoted(args))
	if err != nil {
		return nil, "That path cannot be resolved: " + cleanError(err)
	}
	m.say("Sealing " + sanitize.Line(filepath.Base(path)) + m.More)
	return m.jobs.sendFile(m.current, path, args), ""
}

// unquoted reads a path as it is written or dropped into a terminal: between
// quotes, with backslashes before blanks, or from the home folder on.
func unquoted(path string) string {
	switch n := len(path); {
	case n > 1 && (path[0] == '\'' || path[0] == '"') && path[n-1] == path[0]:
		path = path[1 : n-1]
	case strings.Contains(path, `\ `) && os.PathSeparator == '/':
		path = strings.ReplaceAll(path, `\ `, " ")
	}
	if rest, home := strings.CutPrefix(path, "~"); home && (rest == "" || os.IsPathSeparator(rest[0])) {
		if dir, err := os.UserHomeDir(); err == nil {
			return dir + rest
		}
	}
	return path
}

// shortPath is a path for the eye: without what everybody knows.
func shortPath(path string) string {
	if dir, err := os.UserHomeDir(); err == nil && dir != "/" {
		if rest, home := strings.CutPrefix(path, dir); home && (rest == "" || os.IsPathSeparator(rest[0])) {
			path = "~" + rest
		}
	}
	return sanitize.Line(path)
}

// fileSent takes the account's answer about a file.
func (m *model) fileSent(s fileSent) {
	if s.err != nil {
		m.comeBack("/file "+s.line, s.err)
		return
	}
	m.say("") // it stands there
	if t := m.threads[s.message.Contact]; t != nil {
		t.arrive(s.message)
	}
}

// save writes the file of a message to the folder for downloads.
func (m *model) save(e *entry) tea.Cmd {
	switch {
	case e.Type != client.TypeFile || e.Deleted || e.File == nil:
		m.fail("There is no file in it.")
		return nil
	case m.opts.Downloads == "":
		m.fail("There is no folder to save it to. In a shell: chat save --to FOLDER " + fmt.Sprint(e.Cursor))
		return nil
	}
	m.picks = 0
	m.say("Fetching " + e.File.Name + m.More)
	return m.jobs.saveFile(e.Cursor, m.opts.Downloads)
}

func (m *model) fileSaved(s fileSaved) {
	if s.err != nil {
		m.fail("Not saved: " + cleanError(s.err))
		return
	}
	m.say("Saved: " + shortPath(s.path))
}

// maxPaths is how many names of a folder are looked at to complete one.
const maxPaths = 10_000

// completePath asks for what the path behind /file may become.
func (m *model) completePath() tea.Cmd {
	_, typed, _ := strings.Cut(m.composer.before(), " ")
	return m.jobs.paths(strings.TrimLeft(typed, " "))
}

// pathsRead extends the path, where it still stands there.
func (m *model) pathsRead(r pathsRead) {
	name, _, is := asCommand(m.composer.value())
	if !is || name != "file" || !strings.HasSuffix(m.composer.before(), r.typed) {
		return
	}
	last := r.typed[strings.LastIndexAny(r.typed, "/"+string(os.PathSeparator))+1:]
	switch fit, whole := certain(r.names, last); {
	case len(whole) > len(last):
		m.composer.insert(whole[len(last):])
	case len(fit) > 1:
		m.offer(fit)
	case len(fit) == 0:
		m.say("There is no file whose path begins so.")
	}
}

// pathsIn lists what is in the folder of a path that is being written; folders
// end with a separator. Names that a terminal could not show are left out.
func pathsIn(typed string) (names []string) {
	at := strings.LastIndexAny(typed, "/"+string(os.PathSeparator)) + 1
	dir := unquoted(typed[:at])
	if dir == "" {
		dir = "."
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	entries, _ := f.ReadDir(maxPaths)
	for _, e := range entries {
		name := e.Name()
		if sanitize.Line(name) != name || strings.HasPrefix(name, ".") && !strings.HasPrefix(typed[at:], ".") {
			continue
		}
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
