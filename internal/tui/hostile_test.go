package tui

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

// corpus reads what hostile people write, by the names of its files.
func corpus(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../sanitize/testdata/attacks/*.txt")
	if err != nil || len(files) < 60 {
		t.Fatalf("only %d attacks, %v", len(files), err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".txt")] = string(b)
	}
	return all
}

// TestCorpus shows each attack in every place at once, through the whole
// program. The terminal must hear no kind of sequence that it does not hear
// where everybody is harmless, and the frame must stand.
func TestCorpus(t *testing.T) {
	usual := heardOf(t, "Hello, **you**: see https://harmless.example/x and `this`")
	for name, text := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			for kind, seq := range heardOf(t, text) {
				if _, heard := usual[kind]; !heard {
					t.Errorf("the terminal hears %s, as in %q", kind, seq)
				}
			}
		})
	}
}

// heardOf plays a whole life in which others write nothing but text, and
// returns the kinds of sequences that the terminal heard, with one of each.
func heardOf(t *testing.T, text string) (kinds map[string]string) {
	t.Helper()
	set := notifying("osc777", "full")
	inBubble(t, set, func(f *fake) { surround(f, text) }, func(s *screen, f *fake) {
		live(s, f, text)
		s.mu.Lock()
		defer s.mu.Unlock()
		kinds = heard(t, s.raw.String())
	})
	return kinds
}

// surround puts text into all that an account tells.
func surround(f *fake, text string) {
	f.status.CaughtUp = true
	f.identity.Username, f.identity.Server, f.identity.Fingerprint = "alice"+text, text+"relay", text
	f.knows("bob", client.Accepted)
	f.knows("carol", client.Accepted)
	for i, state := range []client.ContactState{client.Accepted, client.Incoming, client.Requested} {
		f.setContact(client.Contact{Name: fmt.Sprint(i, text), State: state, Fingerprint: text, Trust: client.Changed, Note: text})
	}
	f.asks("dave", text)
	first := f.says("bob", text)
	f.add(client.Message{Contact: "bob", From: text, Type: text, Text: text, State: client.Received})
	f.answers(first.Cursor, "needle "+text)
	f.changes(first.Cursor, func(m *client.Message) {
		m.Edited, m.Reactions = true, []client.Reaction{{From: "bob", Emoji: text}, {From: text, Emoji: "👍"}}
	})
	f.gets(client.Message{Contact: "bob", From: text, Type: client.TypeTimer, Text: text})
	f.gets(client.Message{Contact: "bob", From: text, Type: client.TypeMissing, Text: text})
	f.wrote("bob", text, client.Failed, text)
	f.together(text, text, "bob", text)
	f.together("ops", text, "bob", text)
	for _, m := range []client.Message{
		{From: text, Type: client.TypeText, Text: text}, {From: text, Type: client.TypeGroup, Text: text}, {From: text, Type: client.TypeGroup, Text: "added " + text},
		{From: text, Type: client.TypeFile, Text: text, File: &client.File{Name: text, Size: 1, Saved: text}},
	} {
		m.Contact = "+ops"
		f.gets(m)
	}
	f.views["carol"] = client.View{Contact: "carol", Draft: text}
	f.offers = text
}

// live goes everywhere, and looks at the frame there.
func live(s *screen, f *fake, text string) {
	s.t.Helper()
	at := func(place string, do func()) {
		s.t.Helper()
		do()
		s.wait()
		s.stands(place)
	}
	for _, k := range []string{"alt+1", "alt+2", "alt+3", "alt+4", "alt+5"} {
		at("conversation "+k, func() { s.press(k) })
	}
	at("a conversation", func() { s.press("ctrl+k"); s.type_("bob"); s.press("enter") })
	at("a group", func() { s.press("ctrl+k"); s.type_("ops\r") })
	at("its members", func() { s.type_("/group\r") })
	at("a saved file", func() { s.press("esc", "alt+m"); s.type_("s") })
	at("a conversation again", func() { s.press("esc", "ctrl+k"); s.type_("bob"); s.press("enter") })
	at("a picked message", func() { s.press("alt+m", "up", "up", "up") })
	at("what it answers", func() { s.type_("g"); s.press("esc") })
	at("a request", func() { s.press("alt+r") })
	at("no request", func() { s.press("esc") })
	at("a changed key", func() { s.press("alt+v") })
	at("no changed key", func() { s.press("esc") })
	at("a search", func() { s.type_("\x06"); s.type_("needle") })
	at("its hit", func() { s.press("enter") })
	at("no search", func() { s.press("esc", "esc") })
	at("the palette", func() { s.type_("\x10") })
	at("the help", func() { s.press("esc", "f1") })
	at("a warning", func() { s.press("esc"); f.warns(text) })
	at("a warning in full", func() { s.press("alt+w") })
	at("a reason", func() {
		s.press("esc", "esc")
		f.connection(client.Status{State: client.Offline, Reason: text, Fatal: true})
	})
	at("an error", func() {
		f.mu.Lock()
		f.refuse = &client.Error{Code: client.CodeRefused, Text: text}
		f.mu.Unlock()
		s.type_("x\r")
	})
	at("who writes", func() { f.writes("bob"); f.writes(text) })
	at("a paste", func() { s.press("ctrl+c"); s.paste(text) })
	at("a notification", func() { s.press("ctrl+c", "blur"); f.says("carol", text); s.press("focus") })
	at("a narrow screen", func() { s.resize(40, 12) })
}

// stands looks at the frame: no line is longer than the screen, nothing is
// painted over the edge of the sidebar, and no cell holds what hides or reorders.
func (s *screen) stands(place string) {
	s.t.Helper()
	m := s.model.model
	fits(s.t, m, place)
	l := m.layout()
	rows, own := strings.Split(s.text(), "\n"), " "+m.Here+m.Verified+m.Changed+m.Person+m.Asked+m.Connected+m.More
	for y := l.top; l.side > 0 && m.dialog == nil && y < l.top+l.body; y++ {
		if name, _, _ := strings.Cut(rows[y], "│"); strings.ContainsFunc(strings.Trim(name, own), isForeign) {
			continue // terminals disagree about their widths, and names hold none of them
		}
		if c := s.term.CellAt(l.side, y); c == nil || !slices.Contains([]string{"│", "├"}, c.Content) {
			s.t.Errorf("%s: the edge of the sidebar is gone from line %d:\n%s", place, y, s.text())
			return
		}
	}
	for _, r := range s.text() {
		if unicode.Is(unicode.Bidi_Control, r) || unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Co, unicode.Zl, unicode.Zp) {
			s.t.Errorf("%s: %U is on the screen", place, r)
		}
	}
}

func isForeign(r rune) bool { return r > unicode.MaxASCII }

// fits returns what a model draws, after a look at its size.
func fits(t testing.TB, m *model, place string) string {
	t.Helper()
	content := m.View().Content
	lines := strings.Split(content, "\n")
	if len(lines) > m.height {
		t.Errorf("%s: %d lines on a screen of %d", place, len(lines), m.height)
	}
	for y, l := range lines {
		if w := m.cells.StringWidth(l); w > m.width && !m.blind() {
			t.Errorf("%s: line %d has %d cells on a screen of %d: %q", place, y, w, m.width, l)
		}
	}
	return content
}

// motions are the commands with which the renderer moves and erases. Which of
// them it takes depends on what stands on the screen.
const motions = "ABCDEFGHIJKLMPSTXZ`abdefrm@"

// heard takes what was written to a terminal apart, as terminals do, and
// returns the kinds of its sequences.
func heard(t testing.TB, raw string) map[string]string {
	t.Helper()
	kinds := map[string]string{}
	raw = strings.Map(func(r rune) rune { // the parser takes these for the end of a string, which is 9C in Latin-1
		if r >= 0x100 && strings.IndexByte(string(r), 0x9c) >= 0 {
			return '?'
		}
		return r
	}, raw)
	p := ansi.NewParser()
	p.SetDataSize(1 << 20)
	var state byte
	for len(raw) > 0 {
		seq, width, n, next := ansi.DecodeSequence(raw, state, p)
		if kind := kindOf(t, p, seq); kind != "" && width == 0 {
			kinds[kind] = seq
		}
		raw, state = raw[n:], next
	}
	return kinds
}

// kindOf names a sequence. Words are none.
func kindOf(t testing.TB, p *ansi.Parser, seq string) string {
	t.Helper()
	first := []rune(seq)[0]
	cmd := ansi.Cmd(p.Command())
	switch {
	case first >= 0x80 && first < 0xa0, first == unicode.ReplacementChar && len(seq) == 1:
		return fmt.Sprintf("C1 %q", seq)
	case first == '\r' || first == '\n' || first == '\b':
		return ""
	case first != ansi.ESC && first < ' ', first == 0x7f:
		return fmt.Sprintf("C0 %q", seq)
	case first != ansi.ESC:
		return ""
	case strings.HasPrefix(seq, "\x1b["):
		if cmd.Prefix() == 0 && cmd.Intermediate() == 0 && strings.ContainsRune(motions, rune(cmd.Final())) {
			return ""
		}
		if strings.ContainsRune("hlu", rune(cmd.Final())) {
			return fmt.Sprintf("%q", seq) // each mode is a kind of its own
		}
		return fmt.Sprintf("CSI %q %q %q", cmd.Prefix(), cmd.Intermediate(), cmd.Final())
	case strings.HasPrefix(seq, "\x1b]"):
		saysOnlyWords(t, p.Command(), string(p.Data()))
		return fmt.Sprintf("OSC %d", p.Command())
	case seq == "\x1bM": // up, and the screen scrolls
		return ""
	}
	return fmt.Sprintf("%.3q", seq)
}

// target is where a link of ours may lead.
var target = regexp.MustCompile(`^8;[^;]*;(?:(?:https?://|mailto:)[!-~]+)?$`)

// saysOnlyWords looks into those of our sequences that carry what others wrote.
func saysOnlyWords(t testing.TB, command int, data string) {
	t.Helper()
	switch command {
	case 8:
		if !target.MatchString(data) {
			t.Errorf("a link leads to %q", data)
		}
	case 0, 2, 9, 777:
		if clean := sanitize.Line(data); clean != strings.TrimSpace(data) {
			t.Errorf("a title or a notification says %q", data)
		}
		if command == 777 && strings.Count(data, ";") != 3 {
			t.Errorf("a notification has further parts: %q", data)
		}
	}
}

// TestHeard: the oracle notices what it is there for.
func TestHeard(t *testing.T) {
	for _, seq := range []string{"\x1b[?1003h", "\x1b]52;c;AA\x07", "\x1bPq\x1b\\", "\x1b_G\x1b\\", "\x1bc", "\u009b", "\x05", "\x1b[21t", "\x1b[c", "\x1b[5i", "\x7f"} {
		if len(heard(t, "a"+seq+"b")) == 0 {
			t.Errorf("%q is not heard", seq)
		}
	}
	if got := heard(t, "words\r\n\x1b[31mred\x1b[m\x1b[2;3H 日本 👍"); len(got) > 0 {
		t.Errorf("heard %v", slices.Collect(maps.Keys(got)))
	}
}

// TestLinearCorpus: the interface for screen readers says words and line ends,
// and no line that begins like another's.
func TestLinearCorpus(t *testing.T) {
	for name, text := range corpus(t) {
		t.Run(name, func(t *testing.T) {
			onTape(t, func(f *fake) { surround(f, text) }, func(p *tape, f *fake) {
				said := p.hears()
				for _, line := range []string{"/to bob\n", "/search needle\n", "/who\n", "/requests\n", "/verify carol\n", "/warnings\n"} {
					fmt.Fprint(p.in, line)
					said += p.hears()
				}
				f.warns(text)
				f.writes(text)
				f.says("bob", text)
				f.connection(client.Status{State: client.Offline, Reason: text})
				said += p.hears()
				for _, r := range said {
					if unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Bidi_Control, r) {
						t.Fatalf("%U is said in %q", r, said)
					}
				}
			})
		})
	}
}

// FuzzScreen shows any text everywhere, without the program around it.
func FuzzScreen(f *testing.F) {
	seeds := 0
	for _, text := range corpus(f) {
		if len(text) < 2000 {
			f.Add(text, uint8(100), uint8(30))
			seeds++
		}
	}
	if seeds < 60 {
		f.Fatalf("only %d seeds", seeds)
	}
	f.Fuzz(func(t *testing.T, text string, width, height uint8) {
		account := newFake()
		surround(account, text)
		m := newModel(newJobs(context.Background(), account), Options{})
		drawn := paint(t, m, int(width), int(height))
		kinds := heard(t, drawn)
		delete(kinds, "OSC 8")
		if len(kinds) > 0 {
			t.Errorf("the terminal would hear %v", kinds)
		}
	})
}

// paint gives what a model draws of an account: its conversation, what stands
// over it, and its title.
func paint(t *testing.T, m *model, width, height int) string {
	m.width, m.height = width, height
	m.opened(m.jobs.open()().(opened))
	m.open("bob")
	if bob := m.thread(); bob != nil {
		q := client.Query{Contact: "bob", Limit: pageSize}
		m.historyRead(m.jobs.history(q, bob.epoch)().(historyRead))
	}
	m.settle()
	if m.blind() {
		return m.View().Content + m.title()
	}
	drawn := fits(t, m, "a conversation") + m.title()
	if names := m.roster.names(client.Incoming); len(names) > 0 {
		m.show(m.requestDialog(m.roster.get(names[0])))
		drawn += fits(t, m, "a request")
	}
	found := m.jobs.search(client.Search{Find: "needle", Limit: client.DefaultLimit})().(searched)
	for _, hit := range found.found {
		drawn += hit.Text + hit.From
	}
	return drawn
}
