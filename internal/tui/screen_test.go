package tui

import (
	"bytes"
	"context"
	"fmt"
	"image/color"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/vt"

	"secure-messaging/pkg/client"
)

func TestMain(m *testing.M) {
	time.Local = time.UTC
	// The first call starts a goroutine of the runtime, which must not belong
	// to a test's bubble.
	c := make(chan os.Signal, 1)
	signal.Notify(c, os.Interrupt)
	signal.Stop(c)
	os.Exit(m.Run())
}

// screen is a whole program on a terminal in memory, in fake time.
type screen struct {
	t       *testing.T
	program *tea.Program
	model   *counted
	term    *vt.SafeEmulator
	ended   chan error
	jobs    *jobs
	done    chan struct{}
	killed  bool

	mu    sync.Mutex
	raw   bytes.Buffer // all that was written to the terminal, guarded by mu
	title string       // guarded by mu
	heard int          // how much of raw notified has seen, guarded by mu
}

// counted counts what the program asks of the model. Its fields belong to the
// program's goroutine and are read while that one is idle.
type counted struct {
	*model
	views, updates int
}

func (c *counted) View() tea.View { c.views++; return c.model.View() }

func (c *counted) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	c.updates++
	_, cmd := c.model.Update(msg)
	return c, cmd
}

type setting struct {
	width, height int
	light         bool
	env           []string
	Options
}

// inBubble runs f on a screen that shows account, and proves that everything
// has ended after it.
func inBubble(t *testing.T, set setting, account func(*fake), f func(*screen, *fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9*time.Hour + 41*time.Minute)
		fake := newFake()
		if account != nil {
			account(fake)
		}
		s := start(t, set, fake)
		f(s, fake)
		s.end()
	})
}

func start(t *testing.T, set setting, account client.Account) *screen {
	s := &screen{
		t: t, term: vt.NewSafeEmulator(set.width, set.height),
		ended: make(chan error, 1), done: make(chan struct{}), jobs: newJobs(context.Background(), account),
	}
	s.term.SetCallbacks(vt.Callbacks{Title: func(title string) { s.title = title }})
	s.term.SetBackgroundColor(color.Black)
	if set.light {
		s.term.SetBackgroundColor(color.White)
	}
	set.In, set.Out = s.term, s
	s.model = &counted{model: newModel(s.jobs, set.Options)}
	profile := tea.WithColorProfile(colorprofile.TrueColor)
	if set.NoColor {
		profile = func(*tea.Program) {}
	}
	s.program = newProgram(s.model, set.Options, profile,
		tea.WithWindowSize(set.width, set.height), tea.WithEnvironment(append([]string{"TERM=xterm-256color"}, set.env...)))
	go func() {
		_, err := s.program.Run()
		s.ended <- err
		close(s.done)
	}()
	s.wait()
	return s
}

// Write is the terminal's side of the program's output.
func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(p)
	_, err := s.term.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n")))
	return len(p), err
}

// wait lets the program come to rest, with its last frame drawn.
func (s *screen) wait() {
	synctest.Wait()
	time.Sleep(150 * time.Millisecond) // fake: a frame, and the pause after a lone escape
	synctest.Wait()
}

func (s *screen) pass(d time.Duration) {
	time.Sleep(d)
	s.wait()
}

var keySequences = map[string]string{
	"enter": "\r", "tab": "\t", "esc": "\x1b", "backspace": "\x7f",
	"shift+enter": "\x1b[13;2u", "alt+enter": "\x1b\r", "ctrl+j": "\n",
	"ctrl+c": "\x03", "ctrl+f": "\x06", "ctrl+k": "\x0b", "ctrl+l": "\x0c", "ctrl+o": "\x0f", "ctrl+p": "\x10", "ctrl+r": "\x12",
	"up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D",
	"ctrl+up": "\x1b[1;5A", "ctrl+down": "\x1b[1;5B", "alt+up": "\x1b[1;3A", "alt+down": "\x1b[1;3B",
	"pgup": "\x1b[5~", "pgdown": "\x1b[6~", "f1": "\x1bOP",
	"focus": "\x1b[I", "blur": "\x1b[O",
}

// press sends keys as a terminal does, and waits.
func (s *screen) press(keys ...string) {
	s.t.Helper()
	for _, k := range keys {
		seq, ok := keySequences[k]
		if !ok && strings.HasPrefix(k, "alt+") && len(k) == 5 {
			seq, ok = "\x1b"+k[4:], true
		}
		if !ok {
			s.t.Fatalf("no key %q", k)
		}
		s.type_(seq)
	}
}

// type_ sends characters as they are, and waits.
func (s *screen) type_(text string) {
	io.WriteString(s.term.InputPipe(), text)
	s.wait()
}

func (s *screen) paste(text string) { s.type_("\x1b[200~" + text + "\x1b[201~") }

func (s *screen) resize(w, h int) {
	s.term.Resize(w, h)
	s.program.Send(tea.WindowSizeMsg{Width: w, Height: h})
}

// text is what stands on the screen.
func (s *screen) text() string {
	var out strings.Builder
	for y := range s.term.Height() {
		var line strings.Builder
		for x := 0; x < s.term.Width(); {
			c := s.term.CellAt(x, y)
			if c == nil || c.Width == 0 {
				x++
				continue
			}
			line.WriteString(c.Content)
			x += c.Width
		}
		out.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return out.String()
}

// styles is a map of how the cells are painted, with a legend.
func (s *screen) styles() string {
	var grid, legend strings.Builder
	letters := map[string]byte{}
	for y := range s.term.Height() {
		line := make([]byte, s.term.Width())
		for x := range line {
			c := s.term.CellAt(x, y)
			name := styleName(c)
			switch l, known := letters[name]; {
			case name == "":
				line[x] = ' '
			case known:
				line[x] = l
			default:
				l = byte('a' + len(letters))
				letters[name], line[x] = l, l
				fmt.Fprintf(&legend, "%c %s\n", l, name)
			}
		}
		grid.WriteString(strings.TrimRight(string(line), " ") + "\n")
	}
	return grid.String() + legend.String()
}

func styleName(c *uv.Cell) string {
	if c == nil {
		return ""
	}
	var parts []string
	paint := func(what string, col color.Color) {
		if col != nil {
			r, g, b, _ := col.RGBA()
			parts = append(parts, fmt.Sprintf("%s #%02x%02x%02x", what, r>>8, g>>8, b>>8))
		}
	}
	paint("fg", c.Style.Fg)
	paint("bg", c.Style.Bg)
	for i, attr := range []string{"bold", "faint", "italic", "blink", "rapid", "reverse", "conceal", "strike"} {
		if c.Style.Attrs&(1<<i) != 0 {
			parts = append(parts, attr)
		}
	}
	if c.Style.Underline != 0 {
		parts = append(parts, "underline")
	}
	if c.Link.URL != "" {
		parts = append(parts, "link "+c.Link.URL)
	}
	return strings.Join(parts, ", ")
}

// shows fails unless all parts stand on the screen.
func (s *screen) shows(parts ...string) {
	s.t.Helper()
	text := s.text()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			s.t.Errorf("the screen does not show %q:\n%s", p, text)
		}
	}
}

func (s *screen) hides(parts ...string) {
	s.t.Helper()
	text := s.text()
	for _, p := range parts {
		if strings.Contains(text, p) {
			s.t.Errorf("the screen shows %q:\n%s", p, text)
		}
	}
}

// over reports whether the program has ended by itself.
func (s *screen) over() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// kill ends the program without its knowledge of it, as far as the account can
// tell. It may have ended already.
func (s *screen) kill() {
	s.killed = true
	s.jobs.cancel()
	s.program.Kill()
	<-s.done
	s.jobs.end()
	s.term.InputPipe().(io.Closer).Close()
}

// end leaves the program and waits for everything that it started. A
// goroutine that stays makes the bubble fail.
func (s *screen) end() {
	s.t.Helper()
	if s.killed {
		return
	}
	s.wait()
	s.program.Quit()
	if err := <-s.ended; err != nil {
		s.t.Errorf("the program ended with %v", err)
	}
	s.jobs.end()
	s.term.InputPipe().(io.Closer).Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	raw := s.raw.String()
	if on, off := strings.LastIndex(raw, "\x1b[?1049h"), strings.LastIndex(raw, "\x1b[?1049l"); off < on {
		s.t.Error("the alternate screen was not left")
	}
	if strings.LastIndex(raw, "\x1b[?25h") < strings.LastIndex(raw, "\x1b[?25l") {
		s.t.Error("the cursor was left hidden")
	}
}
