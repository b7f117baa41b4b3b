package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"secure-messaging/internal/tui"
	"secure-messaging/pkg/client"
)

// Nobody but the user may read or change what we make.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// Complete gives the configuration with the keys of every binding.
func (c Config) Complete() Config {
	keys := map[string][]string{}
	for _, b := range tui.Bindings() {
		keys[b.Name] = b.Keys
	}
	maps.Copy(keys, c.Keys)
	c.Keys = keys
	return c
}

// TOML is the whole configuration as a file with comments, which means the
// same when it is read.
func (c Config) TOML() string {
	var b strings.Builder
	c = c.Complete()
	for _, name := range []string{"theme", "clock", "ascii", "mouse", "linear"} {
		c.write(&b, name)
	}
	b.WriteString("\n[notify]\n")
	c.write(&b, "notify.by")
	c.write(&b, "notify.preview")
	b.WriteString("\n# Lists of keys, as in [\"ctrl+k\", \"f5\"]; [] is none.\n[keys]\n")
	section := ""
	for _, k := range tui.Bindings() {
		if k.Section != section {
			section = k.Section
			fmt.Fprintf(&b, "# %s\n", section)
		}
		fmt.Fprintf(&b, "%s = [%s] # %s\n", k.Name, quoted(c.Keys[k.Name]), k.Does)
	}
	return b.String()
}

// write adds one setting with what it does.
func (c *Config) write(b *strings.Builder, name string) {
	_, last, inside := strings.Cut(name, ".")
	if !inside {
		last = name
	}
	for _, s := range choices {
		if s.name == name {
			fmt.Fprintf(b, "# %s\n# one of %s\n%s = %q\n", s.does, quoted(s.words), last, *s.of(c))
		}
	}
	for _, s := range toggles {
		if s.name != name {
			continue
		}
		fmt.Fprintf(b, "# %s\n", s.does)
		if value := s.of(c); value != nil {
			fmt.Fprintf(b, "%s = %t\n", last, *value)
		} else {
			fmt.Fprintf(b, "# %s = true\n", last)
		}
	}
}

// SetTheme writes a theme into a file, and leaves all the rest of it as it is,
// the user's comments too.
func SetTheme(path, theme string) error {
	before, err := read(path)
	if err != nil {
		return err
	}
	want, err := Parse(before, path)
	if err != nil {
		return err
	}
	want.Theme = theme
	after := withTheme(before, theme)
	if got, err := Parse(after, path); err != nil || !reflect.DeepEqual(got, want) {
		return wrong("The theme could not be written into %s without changing more. Set it there: theme = %q", path, theme)
	}
	if bytes.Equal(before, after) {
		return nil
	}
	if err := replace(path, after); err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return &client.Error{Code: client.CodeStorage, Err: err, Text: fmt.Sprintf("The configuration %s cannot be written: %v.", path, err)}
	}
	return nil
}

// withTheme puts a theme in place of the one in a text, else at its top: what
// comes before all sections is in none.
func withTheme(text []byte, theme string) []byte {
	for _, s := range settings(text) {
		if strings.EqualFold(s.name, "theme") {
			from, to := s.value.Offset, s.value.Offset+s.value.Length
			return slices.Concat(text[:from], fmt.Appendf(nil, "%q", theme), text[to:])
		}
	}
	return slices.Concat(fmt.Appendf(nil, "theme = %q\n", theme), text)
}

// replace puts a file in the place of another, whole or not at all. A link to
// the file stays one.
func replace(path string, text []byte) error {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	mode := fs.FileMode(fileMode)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".config-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // nothing, once it has its name
	_, err = f.Write(text)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
