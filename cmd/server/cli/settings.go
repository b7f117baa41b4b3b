package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/pflag"
)

// Every flag of serve is a setting: under the same name in the file, and in
// capitals with SERVER_ before it in the environment. A flag counts before the
// environment, that before the file, and that before the default.
const (
	envPrefix  = "SERVER_"
	configFlag = "config"
	folder     = "secure-messaging-relay" // in the user's folders for data and configuration
	configFile = "server.toml"
)

// What stands in for a place where a value comes from.
const (
	fromFlag    = "flag"
	fromDefault = "default"
)

// settings are the flags of a command with what the environment and the file
// say filled in.
type settings struct {
	flags *pflag.FlagSet
	from  map[string]string // where each value comes from
	file  string            // that was read; empty if none is there
}

func envName(setting string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(setting, "-", "_"))
}

// settingNames are all that there are, in order.
func settingNames() (names []string) {
	newServe().Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != configFlag {
			names = append(names, f.Name)
		}
	})
	return names
}

// loadSettings fills the flags of a command that the command line leaves out.
// A command that has not all flags leaves the others to those that do, but a
// setting that does not exist is a mistake to each.
func loadSettings(flags *pflag.FlagSet) (*settings, error) {
	s := &settings{flags: flags, from: map[string]string{}}
	written, err := s.readFile()
	if err != nil {
		return nil, err
	}
	for _, name := range settingNames() {
		f := flags.Lookup(name)
		if f == nil {
			continue
		}
		inFile, isWritten := written[name]
		env := os.Getenv(envName(name)) // an empty one is none
		switch {
		case f.Changed:
			s.from[name] = fromFlag
		case env != "":
			s.from[name] = "environment " + envName(name)
			err = setText(f.Value, env)
		case isWritten:
			s.from[name] = fmt.Sprintf("%s:%d", s.file, inFile.line)
			err = inFile.set(f.Value)
		default:
			s.from[name] = fromDefault
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %s cannot be that: %s", s.from[name], name, reason(err))
		}
	}
	return s, nil
}

// given reports whether anybody has set something to other than its default.
func (s *settings) given(name string) bool {
	f := s.flags.Lookup(name)
	return s.from[name] != fromDefault && f.Value.String() != f.DefValue
}

// strangers are variables that look like settings and are none.
func strangers() (names []string) {
	known := []string{envName(configFlag)}
	for _, name := range settingNames() {
		known = append(known, envName(name))
	}
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, envPrefix) && !slices.Contains(known, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// setText sets a value from one text; that of a list has commas.
func setText(v pflag.Value, text string) error {
	list, ok := v.(pflag.SliceValue)
	if !ok {
		return v.Set(text)
	}
	var parts []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			parts = append(parts, part)
		}
	}
	return list.Replace(parts)
}

// reason says in words what package strconv says to programmers: of what there is
// to set, it reads what is true or false.
func reason(err error) string {
	var number *strconv.NumError
	if errors.As(err, &number) {
		return "it is true or false"
	}
	return err.Error()
}

// readFile reads the file that --config or SERVER_CONFIG names, or else the one
// in the user's folder for configuration, which need not be there.
func (s *settings) readFile() (map[string]written, error) {
	f := s.flags.Lookup(configFlag)
	name := f.Value.String()
	if env := os.Getenv(envName(configFlag)); !f.Changed && env != "" {
		name = env
	}
	asked := name != ""
	if !asked {
		xdg.Reload()
		name = filepath.Join(xdg.ConfigHome, folder, configFile)
	}
	text, err := readLimited(name)
	if errors.Is(err, fs.ErrNotExist) && !asked {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the configuration cannot be read: %w", err)
	}
	s.file = name
	return parseSettings(text, name)
}
