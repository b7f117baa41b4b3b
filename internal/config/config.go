// Package config is how a user wants the interface: one file in TOML, which
// the user writes and chat only reads, but for the theme that is chosen on
// screen.
//
// Reading is strict: a setting that does not exist, or a value that cannot be,
// is an error that names its line and what was meant, so that no screen starts
// with half a configuration. What the file leaves out is as in [Default].
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"secure-messaging/internal/tui"
	"secure-messaging/pkg/client"
)

// FileName is the name of the file in the user's folder for configuration.
const FileName = "config.toml"

// maxFile bounds the file, in bytes: all there is to set takes a tenth of it.
const maxFile = 64 << 10

// Config is what is in force.
type Config struct {
	Theme  string              `toml:"theme" json:"theme"`           // one of tui.Themes
	Clock  string              `toml:"clock" json:"clock"`           // "24h" or "12h"
	ASCII  *bool               `toml:"ascii" json:"ascii,omitempty"` // nil: as the locale says
	Mouse  bool                `toml:"mouse" json:"mouse"`
	Linear bool                `toml:"linear" json:"linear"`
	Notify Notify              `toml:"notify" json:"notify"`
	Keys   map[string][]string `toml:"keys" json:"keys"` // of the bindings that are set, by tui.Bindings
}

// Notify is how the user is told of messages that are not on screen.
type Notify struct {
	By      string `toml:"by" json:"by"`           // one of tui.NotifyWays
	Preview string `toml:"preview" json:"preview"` // one of tui.Previews
}

// Default is what is in force without a file.
func Default() Config {
	return Config{
		Theme: tui.AutoTheme, Clock: "24h", Mouse: true,
		Notify: Notify{By: tui.NotifyAuto, Preview: tui.PreviewSender},
		Keys:   map[string][]string{},
	}
}

// choice is a setting that is one of a few words.
type choice struct {
	name, does string
	of         func(*Config) *string
	words      []string
}

// toggle is a setting that is true or false.
type toggle struct {
	name, does string
	of         func(*Config) *bool
}

var (
	choices = []choice{
		{"theme", "colours: " + tui.AutoTheme + " follows the background of the terminal", func(c *Config) *string { return &c.Theme }, themeNames()},
		{"clock", "times of day", func(c *Config) *string { return &c.Clock }, []string{"24h", "12h"}},
		{"notify.by", "how you hear of messages that are not on screen: auto is what the terminal understands", func(c *Config) *string { return &c.Notify.By }, tui.NotifyWays},
		{"notify.preview", "what of a message a notification says", func(c *Config) *string { return &c.Notify.Preview }, tui.Previews},
	}
	toggles = []toggle{
		{"ascii", "signs and lines in ASCII; where it is not set, the locale decides", func(c *Config) *bool { return c.ASCII }},
		{"mouse", "the wheel scrolls and a click opens; to select text, hold shift", func(c *Config) *bool { return &c.Mouse }},
		{"linear", "for screen readers: lines that are only ever added", func(c *Config) *bool { return &c.Linear }},
	}
)

func themeNames() (names []string) {
	for _, t := range tui.Themes() {
		names = append(names, t.Name)
	}
	return names
}

// Load reads a file. One that is not there leaves everything as it is by
// default.
func Load(path string) (Config, error) {
	text, err := read(path)
	if err != nil {
		return Config{}, err
	}
	return Parse(text, path)
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, unreadable(path, err)
	case len(text) > maxFile:
		return nil, wrong("%s has over %d KiB. That is no configuration; move it away.", path, maxFile>>10)
	}
	return text, nil
}

func unreadable(path string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return wrong("The configuration %s cannot be read: %v.", path, err)
}

func wrong(format string, args ...any) error {
	return &client.Error{Code: client.CodeUsage, Text: fmt.Sprintf(format, args...)}
}

// Options are what the settings mean to the screen.
func (c *Config) Options() tui.Options {
	return tui.Options{
		Theme: c.Theme, TwelveHours: c.Clock == "12h", ASCII: c.ASCII != nil && *c.ASCII, NoMouse: !c.Mouse, Keys: c.Keys,
		Notify: tui.Notify{By: c.Notify.By, Preview: c.Notify.Preview},
	}
}

// quoted lists words for a sentence.
func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = fmt.Sprintf("%q", w)
	}
	return strings.Join(out, ", ")
}
