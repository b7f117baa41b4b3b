package config

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"secure-messaging/internal/tui"
)

// Parse reads a configuration. Its errors name the file and the line.
func Parse(text []byte, file string) (Config, error) {
	c := Default()
	d := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields()
	var unknown *toml.StrictMissingError
	var broken *toml.DecodeError
	switch err := d.Decode(&c); {
	case errors.As(err, &unknown):
		return Config{}, strangers(unknown, file)
	case errors.As(err, &broken):
		line, _ := broken.Position()
		return Config{}, wrong("%s:%d: %s", file, line, undecodable(broken))
	case err != nil:
		return Config{}, wrong("%s is not TOML: %v", file, err)
	}
	if name, complaint := c.check(); complaint != "" {
		return Config{}, wrong("%s:%d: %s", file, lineOf(text, name), complaint)
	}
	return c, nil
}

// check says which setting has a value that cannot be, and why.
func (c *Config) check() (name, complaint string) {
	for _, s := range choices {
		if value := *s.of(c); !slices.Contains(s.words, value) {
			return s.name, fmt.Sprintf("%s cannot be %q.%s It is one of %s.", s.name, value, meant(value, s.words), quoted(s.words))
		}
	}
	if c.Keys == nil { // an empty table
		c.Keys = map[string][]string{}
	}
	known := names()
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for k := range c.Keys {
			if !yield(k) {
				return
			}
		}
	}) {
		if full := "keys." + name; !slices.Contains(known, full) {
			return full, stranger(full)
		}
	}
	var e *tui.KeyError
	if errors.As(tui.CheckKeys(c.Keys), &e) {
		return "keys." + e.Name, "in [keys], " + e.Text
	}
	return "", ""
}

// names lists everything that can be set.
func names() (names []string) {
	for _, s := range choices {
		names = append(names, s.name)
	}
	for _, s := range toggles {
		names = append(names, s.name)
	}
	for _, b := range tui.Bindings() {
		names = append(names, "keys."+b.Name)
	}
	return names
}

// strangers names all settings that there are not.
func strangers(unknown *toml.StrictMissingError, file string) error {
	var lines []string
	for _, e := range unknown.Errors {
		line, _ := e.Position()
		lines = append(lines, fmt.Sprintf("%s:%d: %s", file, line, stranger(strings.Join(e.Key(), "."))))
	}
	return wrong("%s", strings.Join(lines, "\n"))
}

func stranger(name string) string {
	return fmt.Sprintf("there is no setting %q.%s chat config shows all.", name, meant(name, append(names(), "keys", "notify")))
}

func meant(s string, words []string) string {
	if near := tui.Nearest(s, words); near != "" {
		return fmt.Sprintf(" Did you mean %q?", near)
	}
	return ""
}

// undecodable says what a setting takes that has a value of another kind, or
// what is no TOML.
func undecodable(e *toml.DecodeError) string {
	name := strings.Join(e.Key(), ".")
	text := strings.TrimPrefix(e.Error(), "toml: ")
	if !strings.HasPrefix(text, "cannot decode") {
		return "this is not TOML: " + text + "."
	}
	for _, s := range choices {
		if s.name == name {
			return fmt.Sprintf("%s is one of %s.", name, quoted(s.words))
		}
	}
	switch section, _, inside := strings.Cut(name, "."); {
	case inside && section == "keys":
		return name + ` is a list of keys, as in ["ctrl+k"]; [] is none.`
	case section == "keys" || section == "notify":
		return fmt.Sprintf("[%s] is a section, with settings in the lines below it.", section)
	}
	return name + " is true or false."
}

// setting is where one stands in a text.
type setting struct {
	name  string // with its section
	line  int
	value unstable.Range
}

// settings finds all settings of a text that is TOML.
func settings(text []byte) (found []setting) {
	var p unstable.Parser
	p.Reset(text)
	var section []string
	for p.NextExpression() {
		e := p.Expression()
		var path []string
		line := 0
		for it := e.Key(); it.Next(); {
			if line == 0 {
				line = p.Shape(it.Node().Raw).Start.Line
			}
			path = append(path, string(it.Node().Data))
		}
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			section = path
		case unstable.KeyValue:
			name := strings.Join(append(slices.Clone(section), path...), ".")
			found = append(found, setting{name, line, e.Value().Raw})
		}
	}
	return found
}

// lineOf returns where a setting stands: its own line, or that of what it is
// part of.
func lineOf(text []byte, name string) (line int) {
	line = 1
	for _, s := range settings(text) {
		switch {
		case strings.EqualFold(s.name, name):
			return s.line
		case strings.HasPrefix(strings.ToLower(name), strings.ToLower(s.name)+"."):
			line = s.line
		}
	}
	return line
}
