package ratelimit

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxFile bounds the file of limits. One with all of them takes 3 KB.
const MaxFile = 64 << 10

// headings begin the groups of a file.
var headings = map[string]string{
	byAddress: "By address: an IPv4 address, or an IPv6 network of /64. Raise these if something before\n" +
		"the relay hides the addresses of its users. What comes from this machine itself is not counted.",
	byUser:    "By user.",
	byTarget:  "By the user whom others ask about.",
	byRelay:   "The relay as a whole.",
	byMailbox: "What waits for one recipient who is away.",
	byFile:    "A file that is kept.",
}

const preface = `What this relay admits: the limits of its users, in JSON. Lines that begin with // are comments.
What is left out keeps its default. A rate is N/s, N/min, N/h or N/d with a burst: how many may come
at once after a quiet time. "off" is no limit.`

// Format writes limits as a file that Parse reads.
func Format(l Limits) []byte {
	var b bytes.Buffer
	comment(&b, "", preface)
	b.WriteString("{\n")
	group := ""
	for i, e := range entries {
		if e.by != group {
			if group != "" {
				b.WriteByte('\n')
			}
			group = e.by
			comment(&b, "  ", headings[group])
		}
		text := strings.ReplaceAll(e.what+". Above: "+e.above, "`", "")
		comment(&b, "  ", strings.ToUpper(text[:1])+text[1:])
		value := e.value(&l)
		if e.rate != nil || e.unit == octets {
			value = strconv.Quote(value)
		}
		fmt.Fprintf(&b, "  %q: %s", e.name, value)
		if i < len(entries)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("}\n")
	return b.Bytes()
}

func comment(b *bytes.Buffer, indent, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(b, "%s// %s\n", indent, strings.TrimSpace(line))
	}
}

// Parse reads a file of limits. It is strict: an error names the member, and
// what it may be.
func Parse(file []byte) (Limits, error) {
	if len(file) > MaxFile {
		return Limits{}, fmt.Errorf("over %s; limits take 3 KB", octets.format(MaxFile))
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(uncomment(file), &members); err != nil {
		return Limits{}, notJSON(file, err)
	}
	l := Default()
	for _, e := range entries {
		v, ok := members[e.name]
		if !ok {
			continue
		}
		delete(members, e.name)
		if !e.set(&l, v) || !e.allows(&l) {
			return Limits{}, e.wrong()
		}
	}
	for name := range members {
		return Limits{}, fmt.Errorf("there is no limit %.60q", name)
	}
	return l, nil
}

// uncomment blanks the lines that begin with //. No JSON value has such a line
// in it.
func uncomment(file []byte) []byte {
	file = bytes.Clone(file)
	for line := range bytes.Lines(file) {
		if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("//")) {
			for i := range bytes.TrimRight(line, "\r\n") {
				line[i] = ' '
			}
		}
	}
	return file
}

// notJSON says where a file is no JSON object.
func notJSON(file []byte, err error) error {
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return errors.New("not a JSON object of limits")
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return fmt.Errorf("%.60q stands there twice", syntax.JSONPointer.LastToken())
	}
	line := 1 + bytes.Count(file[:min(int(syntax.ByteOffset), len(file))], []byte("\n"))
	return fmt.Errorf("not valid JSON at line %d", line)
}

// set reads a member: a number is a JSON number, all else a string.
func (e entry) set(l *Limits, v jsontext.Value) bool {
	text := string(v)
	if e.rate != nil || e.unit == octets {
		if v.Kind() != '"' || json.Unmarshal(v, &text) != nil {
			return false
		}
	}
	var ok bool
	if e.rate != nil {
		*e.rate(l), ok = parseRate(text, e.unit)
	} else {
		*e.number(l), ok = e.unit.parse(text)
	}
	return ok
}
