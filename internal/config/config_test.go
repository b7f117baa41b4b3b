package config

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"secure-messaging/internal/tui"
)

var update = flag.Bool("update", false, "renew the golden texts")

// What is printed means the same when it is read, and has everything.
func TestRoundTrip(t *testing.T) {
	yes := true
	changed := Default()
	changed.Theme, changed.Clock, changed.ASCII, changed.Mouse, changed.Linear = "ember", "12h", &yes, false, true
	changed.Notify = Notify{"osc9", "none"}
	changed.Keys = map[string][]string{"jump": {"ctrl+g", "f5"}, "verify": {}, "reply": {`"`, `\`}}
	for _, c := range []Config{Default(), changed} {
		got, err := Parse([]byte(c.TOML()), "config.toml")
		if err != nil {
			t.Fatalf("%v in\n%s", err, c.TOML())
		}
		if want := c.Complete(); !reflect.DeepEqual(got, want) {
			t.Errorf("read as\n%+v, and is\n%+v", got, want)
		}
	}
	text := Default().TOML()
	for _, name := range names() {
		if _, last, found := strings.Cut(name, "."); found {
			name = last
		}
		if !strings.Contains(text, "\n"+name+" = ") && !strings.HasPrefix(text, name+" = ") && !strings.Contains(text, "\n# "+name+" = ") {
			t.Errorf("%s is not printed", name)
		}
	}
	before, _, _ := strings.Cut(text, "[keys]") // the keys are compared as a whole above
	golden(t, "default.toml", before)
}

// An empty file, and none, change nothing.
func TestDefaults(t *testing.T) {
	c, err := Load(filepath.Join(t.TempDir(), "none", FileName))
	if err != nil || !reflect.DeepEqual(c, Default()) {
		t.Errorf("without a file: %+v, %v", c, err)
	}
	for _, text := range []string{"", "# nothing\n", "[keys]\n", "[notify]\n"} {
		if c, err := Parse([]byte(text), "config.toml"); err != nil || !reflect.DeepEqual(c, Default()) {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

// TestMistakes compares what is said about files with mistakes in them.
func TestMistakes(t *testing.T) {
	var out strings.Builder
	for _, text := range []string{
		"theem = \"night\"",
		"theme = \"nigth\"",
		"theme = 3",
		"\nmouse = \"off\"",
		"[notify]\npreview = \"all\"",
		"[notify]\nby = true",
		"notify = \"bell\"",
		"[notfy]\nby = \"bell\"",
		"[notify]\nbell = true\n[colors]\nred = 1",
		"keys = 1",
		"[keys]\njump = \"ctrl+k\"",
		"[keys]\njump = [1]",
		"[keys]\n\n# a comment\njmup = [\"ctrl+k\"]",
		"[keys]\njump = [\"ctlr+k\"]",
		"[keys]\njump = [\"x\"]",
		"[keys]\nnewline = [\"ctrl+g\"]\njump = [\"ctrl+f\"]",
		"[keys]\nsend = []",
		"keys.jump = [\"ctrl+i\"]",
		"keys = { jump = [\"nothing\"] }",
		"mouse = false\nmouse = true",
		"mouse = ",
		"theme = \"\x1b[31m\"",
		"theme = \"\\u001b[31m\"",
		"\xff",
	} {
		_, err := Parse([]byte(text), "config.toml")
		if err == nil {
			t.Errorf("%q is no mistake", text)
			continue
		}
		if said := err.Error(); strings.Contains(said, "\x1b") || !utf8.ValidString(said) {
			t.Errorf("%q brings control characters to the terminal: %q", text, err)
		}
		out.WriteString(strings.TrimSpace(text) + "\n    " + strings.ReplaceAll(err.Error(), "\n", "\n    ") + "\n\n")
	}
	golden(t, "mistakes.txt", strings.ToValidUTF8(strings.ReplaceAll(out.String(), "\x1b", "^["), "?"))
}

func TestTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	if err := os.WriteFile(path, make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err == nil || !strings.Contains(err.Error(), "over 64 KiB") {
		t.Errorf("got %v", err)
	}
	if _, err := Load(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a folder: %v", err)
	}
}

// A theme is written where it belongs, and nothing else changes.
func TestSetTheme(t *testing.T) {
	for _, c := range []struct{ before, after string }{
		{"", "theme = \"iris\"\n"},
		{"theme = \"night\"", "theme = \"iris\""},
		{"# mine\ntheme = 'night' # at night\nmouse = false\n", "# mine\ntheme = \"iris\" # at night\nmouse = false\n"},
		{"# mine\n\nmouse = false # no\n\n# keys\n[keys]\njump = [\"f5\"]\n", "theme = \"iris\"\n# mine\n\nmouse = false # no\n\n# keys\n[keys]\njump = [\"f5\"]\n"},
		{"mouse = false", "theme = \"iris\"\nmouse = false"},
		{"[notify]\nby = \"bell\" # theme = \"night\"\n", "theme = \"iris\"\n[notify]\nby = \"bell\" # theme = \"night\"\n"},
		{"keys.jump = [\n  \"f5\", # theme = 1\n]\n", "theme = \"iris\"\nkeys.jump = [\n  \"f5\", # theme = 1\n]\n"},
		{"theme = \"\"\"night\"\"\"\n", "theme = \"iris\"\n"},
		{"\"theme\"=\"night\"\r\nmouse=true\r\n", "\"theme\"=\"iris\"\r\nmouse=true\r\n"},
	} {
		path := filepath.Join(t.TempDir(), "sub", FileName)
		if c.before != "" {
			os.MkdirAll(filepath.Dir(path), 0o755)
			if err := os.WriteFile(path, []byte(c.before), 0o640); err != nil {
				t.Fatal(err)
			}
		}
		if err := SetTheme(path, "iris"); err != nil {
			t.Errorf("%q: %v", c.before, err)
		}
		if got, _ := os.ReadFile(path); string(got) != c.after {
			t.Errorf("%q became\n%q and not\n%q", c.before, got, c.after)
		}
		if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
			t.Errorf("%d files are left", len(files))
		}
		if info, err := os.Stat(path); err != nil || c.before != "" && info.Mode().Perm() != 0o640 {
			t.Errorf("the file is %v, %v", info.Mode(), err)
		}
	}
}

// A file with a mistake is not written into.
func TestSetThemeBesideMistake(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	os.WriteFile(path, []byte("mose = true\n"), 0o600)
	if err := SetTheme(path, "iris"); err == nil {
		t.Error("a broken file was written into")
	}
	if got, _ := os.ReadFile(path); string(got) != "mose = true\n" {
		t.Errorf("it is %q now", got)
	}
}

// A link stays a link.
func TestSetThemeThroughLink(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, FileName)
	os.WriteFile(path, nil, 0o600)
	link := filepath.Join(dir, "link.toml")
	if err := os.Symlink(path, link); err != nil {
		t.Skipf("no symbolic link can be made here: %v", err)
	}
	if err := SetTheme(link, "iris"); err != nil {
		t.Error(err)
	}
	if info, _ := os.Lstat(link); info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone")
	}
	if c, err := Load(path); err != nil || c.Theme != "iris" {
		t.Errorf("%+v, %v", c, err)
	}
}

// The options of the screen are those of the file.
func TestOptions(t *testing.T) {
	c, err := Parse([]byte("theme = \"ember\"\nclock = \"12h\"\nascii = true\nmouse = false\n[notify]\nby = \"bell\"\npreview = \"full\"\n[keys]\njump = [\"f5\"]\n"), "config.toml")
	if err != nil {
		t.Fatal(err)
	}
	want := tui.Options{
		Theme: "ember", TwelveHours: true, ASCII: true, NoMouse: true,
		Notify: tui.Notify{By: "bell", Preview: "full"}, Keys: map[string][]string{"jump": {"f5"}},
	}
	if got := c.Options(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test ./internal/config -update makes it)", err)
	}
	if got != string(want) {
		t.Errorf("%s has changed (go test ./internal/config -update renews it). It is\n%s", name, got)
	}
}

// FuzzParse: no text makes the reading fail otherwise than with a sentence, and
// what is read can be written and read again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(Default().TOML()))
	f.Add([]byte("keys = { jump = [\"f5\"] }\ntheme='night'"))
	f.Add([]byte("[[keys]]\n[keys.jump]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text, "config.toml")
		if err != nil {
			if c.Keys != nil {
				t.Error("half a configuration came with an error")
			}
			return
		}
		again, err := Parse([]byte(c.TOML()), "config.toml")
		if err != nil || !reflect.DeepEqual(again, c.Complete()) {
			t.Errorf("%q was written as\n%s, which is %v", text, c.TOML(), err)
		}
		if got, err := Parse(withTheme(text, "iris"), "config.toml"); err == nil {
			c.Theme = "iris"
			if !reflect.DeepEqual(got, c) {
				t.Logf("%q cannot take a theme", text) // SetTheme refuses it
			}
		}
	})
}
