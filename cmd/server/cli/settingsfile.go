package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/spf13/pflag"
)

// maxConfig bounds the file, in bytes: all there is to set takes a tenth of it.
const maxConfig = 64 << 10

// written is a setting in a file.
type written struct {
	line  int
	value any // as package toml decodes it
}

func readLimited(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err == nil && len(text) > maxConfig {
		err = fmt.Errorf("%s has over %d KiB, which is no configuration", name, maxConfig>>10)
	}
	return text, err
}

// parseSettings reads a file. Its errors name the file and the lines.
func parseSettings(text []byte, file string) (map[string]written, error) {
	values := map[string]any{}
	var broken *toml.DecodeError
	if err := toml.Unmarshal(text, &values); errors.As(err, &broken) {
		line, _ := broken.Position()
		return nil, fmt.Errorf("%s:%d: this is not TOML: %s", file, line, strings.TrimPrefix(broken.Error(), "toml: "))
	} else if err != nil {
		return nil, fmt.Errorf("%s is not TOML: %w", file, err)
	}
	known := settingNames()
	found := map[string]written{}
	var strange []string
	for _, at := range lines(text) {
		if !slices.Contains(known, at.name) {
			strange = append(strange, fmt.Sprintf("%s:%d: there is no setting %q. See: server config", file, at.line, at.name))
			continue
		}
		found[at.name] = written{at.line, values[at.name]}
	}
	if len(strange) > 0 {
		return nil, errors.New(strings.Join(strange, "\n"))
	}
	return found, nil
}

// place is where something stands in a text.
type place struct {
	name string // with its section, if it is in one
	line int
}

// lines finds everything that a text, which is TOML, sets.
func lines(text []byte) (found []place) {
	var p unstable.Parser
	p.Reset(text)
	var section []string
	for p.NextExpression() {
		e := p.Expression()
		at := place{}
		var path []string
		for it := e.Key(); it.Next(); {
			if at.line == 0 {
				at.line = p.Shape(it.Node().Raw).Start.Line
			}
			path = append(path, string(it.Node().Data))
		}
		switch e.Kind {
		case unstable.Table, unstable.ArrayTable:
			section = path
			at.name = "[" + strings.Join(path, ".") + "]"
			found = append(found, at) // there are none
		case unstable.KeyValue:
			at.name = strings.Join(append(slices.Clone(section), path...), ".")
			found = append(found, at)
		}
	}
	return found
}

// set gives a flag the value. A list stands in brackets, also one of one.
func (w written) set(v pflag.Value) error {
	list, isList := v.(pflag.SliceValue)
	values, given := w.value.([]any)
	if isList != given {
		if isList {
			return errors.New(`it is a list, as in ["a", "b"]`)
		}
		return errors.New("it is no list")
	}
	if !isList {
		text, err := scalar(w.value)
		if err != nil {
			return err
		}
		return v.Set(text)
	}
	var texts []string
	for _, value := range values {
		text, err := scalar(value)
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	return list.Replace(texts)
}

func scalar(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case bool, int64:
		return fmt.Sprint(v), nil
	}
	return "", errors.New("it is a text in quotes, true, false, or a whole number")
}
