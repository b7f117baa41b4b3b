package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Binding is something that keys do, as it can be set.
type Binding struct {
	Name, Section, Does string
	Keys                []string // by default
}

// Bindings lists everything that keys do, in the order of the help.
func Bindings() (list []Binding) {
	var k keyMap
	for _, s := range k.table() {
		for _, r := range s.rows {
			list = append(list, Binding{r.name, s.title, r.does, strings.Fields(r.keys)})
		}
	}
	return list
}

// KeyError is a mistake in how keys are set.
type KeyError struct {
	Name string // of the binding where it can be mended
	Text string // a sentence for the user
}

func (e *KeyError) Error() string { return e.Text }

// CheckKeys tells what is wrong with keys that are to be set, by the names of
// Bindings: it is one mistake at a time, a [*KeyError], or nil.
func CheckKeys(set map[string][]string) error {
	var k keyMap
	rows := k.rows()
	for _, r := range rows {
		if keys, given := set[r.name]; given {
			if text := r.refuses(keys); text != "" {
				return &KeyError{r.name, text}
			}
		}
	}
	return collision(set, rows)
}

// needed are the bindings without which a user would be stuck.
var needed = map[string]string{
	"send":   "without it nothing is sent, and no command done",
	"choose": "without it nothing is chosen in dialogs",
	"close":  "without it no dialog is left",
}

// refuses says why a binding cannot have some keys.
func (r *bound) refuses(keys []string) string {
	if why, is := needed[r.name]; is && len(keys) == 0 {
		return fmt.Sprintf("%q needs a key: %s.", r.name, why)
	}
	for _, s := range keys {
		name, complaint := spelled(s)
		switch {
		case complaint != "":
			return fmt.Sprintf("%q: %s", r.name, complaint)
		case r.scope&inPage != 0 && r.name != "help" && writes(name):
			return fmt.Sprintf("%q: the key %q is for writing. Take one with ctrl or alt, or one like f5.", r.name, s)
		}
	}
	return ""
}

// collision finds two bindings that one key would have to do at once.
func collision(set map[string][]string, rows []bound) error {
	type place struct {
		scope
		key string
	}
	taken := map[place]string{}
	for _, r := range rows {
		keys, given := set[r.name]
		if !given {
			keys = strings.Fields(r.keys)
		}
		for _, s := range keys {
			name, _ := spelled(s)
			for _, at := range []scope{inPage, inMessage, inDialog} {
				if r.scope&at == 0 {
					continue
				}
				switch other, there := taken[place{at, name}]; {
				case there && other == r.name:
					return &KeyError{r.name, fmt.Sprintf("%q has the key %q twice.", r.name, name)}
				case there:
					mend := r.name
					if _, ours := set[mend]; !ours {
						mend = other
					}
					return &KeyError{mend, fmt.Sprintf("the key %q is bound to %q and to %q. Give one of them another, or [] for none.", name, other, r.name)}
				}
				taken[place{at, name}] = r.name
			}
		}
	}
	return nil
}

// modifiers in the order in which they are named.
var modifiers = []string{"ctrl", "alt", "shift", "meta", "hyper", "super"}

// named are the keys that have a name, beside f1 to f20.
var named = []string{
	"enter", "tab", "backspace", "esc", "space", "up", "down", "left", "right",
	"insert", "delete", "pgup", "pgdown", "home", "end",
}

var otherNames = map[string]string{
	"return": "enter", "escape": "esc", "pageup": "pgup", "pagedown": "pgdown", "pgdn": "pgdown",
	"del": "delete", "ins": "insert", "control": "ctrl", "option": "alt", "opt": "alt", "cmd": "super", "win": "super",
}

// same are keys that terminals send as another one, from the time when there
// was no more than a byte for each.
var same = map[string]string{"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+[": "esc", "ctrl+h": "backspace", "ctrl+?": "backspace"}

// spelled gives a key the name under which it is pressed, or says why there is
// no such key.
func spelled(s string) (name, complaint string) {
	parts := strings.Split(strings.ToLower(s), "+")
	if s == "+" || strings.HasSuffix(s, "++") { // the key itself
		parts = append(parts[:max(len(parts)-2, 0)], "+")
	}
	for i, p := range parts {
		if other := otherNames[p]; other != "" {
			parts[i] = other
		}
	}
	last := parts[len(parts)-1]
	mods := parts[:len(parts)-1]
	if !isKey(last) {
		return "", fmt.Sprintf("there is no key %q.%s", s, nearest(last, named, ""))
	}
	for i, m := range mods {
		if !slices.Contains(modifiers, m) {
			return "", fmt.Sprintf("there is no key %q.%s", s, nearest(m, modifiers, "+"+last))
		}
		if slices.Contains(mods[:i], m) {
			return "", fmt.Sprintf("%q names %s twice.", s, m)
		}
	}
	if len(mods) == 0 && utf8.RuneCountInString(s) == 1 {
		return s, "" // letters as they are written: A is another key than a
	}
	if utf8.RuneCountInString(last) == 1 && len(mods) == 1 && mods[0] == "shift" {
		return "", fmt.Sprintf("%q is written as the letter itself, as in \"A\".", s)
	}
	slices.SortFunc(mods, func(a, b string) int { return slices.Index(modifiers, a) - slices.Index(modifiers, b) })
	name = strings.Join(append(mods, last), "+")
	if other := same[name]; other != "" {
		return "", fmt.Sprintf("terminals send %q as %s. Take another.", s, other)
	}
	return name, ""
}

func isKey(s string) bool {
	if n, f := strings.CutPrefix(s, "f"); f && n != "" {
		i, err := strconv.Atoi(n)
		return err == nil && i >= 1 && i <= 20 && n[0] != '0' && n[0] != '+'
	}
	r, size := utf8.DecodeRuneInString(s)
	return slices.Contains(named, s) || size > 0 && size == len(s) && r != utf8.RuneError && unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r)
}

// writes reports whether a key of the name is a character.
func writes(name string) bool {
	return utf8.RuneCountInString(name) == 1 || name == "space" || name == "backspace" || name == "delete"
}

// nearest asks whether another of the names was meant, if one is close.
func nearest(s string, names []string, behind string) string {
	if n := Nearest(s, names); n != "" {
		return fmt.Sprintf(" Did you mean %q?", n+behind)
	}
	return ""
}

// Nearest is the one of the names that s is most likely to have meant, or "".
func Nearest(s string, names []string) (best string) {
	const letters = 2 // that a typing error may change, of no more than half of them
	least := min(letters, len(s)/2) + 1
	for _, n := range names {
		if d := typos(s, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// typos counts the letters to be put in, taken out or exchanged to make b
// of a.
func typos(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
