package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/charmbracelet/x/ansi"
	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"

	"secure-messaging/internal/sanitize"
	"secure-messaging/internal/terminal"
	"secure-messaging/pkg/client"
)

// jsonFlag adds --json to a command that has data.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "one JSON object a line")
}

// printJSON writes a value as one line. What is not printable is escaped, so
// that the line does no harm on a terminal either.
func printJSON(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	var line strings.Builder
	for _, r := range string(b) {
		switch {
		case r < ' ' || unicode.IsPrint(r):
			line.WriteRune(r)
		case r > 0xFFFF:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&line, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(&line, `\u%04x`, r)
		}
	}
	line.WriteByte('\n')
	_, err = io.WriteString(w, line.String())
	return err
}

// schema is the version of what docs/JSON.md says of a message in a line. It changes
// with every change that a reader of the version before would misunderstand; a
// member more is none.
const schema = 1

// messageLine is a message in a line.
type messageLine struct {
	Schema int `json:"schema"`
	client.Message
	Error *lineError `json:"error,omitempty"` // of send, where it has not come as far as asked
}

// unsentLine is a recipient for whom no message was queued.
type unsentLine struct {
	Schema  int        `json:"schema"`
	Contact string     `json:"contact"`
	Error   *lineError `json:"error"`
}

// lineError is why something has not happened.
type lineError struct {
	Code client.Code `json:"code"`
	Text string      `json:"text"`
}

// lineErrorOf gives an error the form that it has in a line.
func lineErrorOf(err error) *lineError {
	if err == nil {
		return nil
	}
	l := &lineError{client.CodeInternal, err.Error()}
	var known *client.Error
	if errors.As(err, &known) {
		l.Code = known.Code
	}
	return l
}

// messagePrinter gives the function that prints messages in the form asked for.
func messagePrinter(asJSON bool) func(io.Writer, client.Message) error {
	if asJSON {
		return func(w io.Writer, m client.Message) error {
			return printJSON(w, messageLine{Schema: schema, Message: m})
		}
	}
	return printMessage
}

// printMessage writes a message for people: when it was written, who, what.
func printMessage(w io.Writer, m client.Message) error {
	mark := ""
	if m.Outgoing() && m.Type != client.TypeGroup {
		mark = " (" + string(m.State) + ")"
	}
	if m.Outgoing() && m.Reason != "" && m.State != client.Failed {
		mark = " (" + string(m.State) + ", " + m.Reason + ")"
	}
	return printFolded(w, fmt.Sprintf("%s  %s%s: %s", stamp(m.Written()), who(m), mark, sanitize.Text(describe(m))))
}

// printFolded writes a line with words of others in it.
func printFolded(w io.Writer, line string) error {
	_, err := fmt.Fprintln(w, fold(line, terminal.Columns(w)))
	return err
}

// fold indents all lines but the first, so that words of others cannot look
// like a line of ours: also those that a terminal of so many columns would make
// of a long one. 0 columns are no terminal.
func fold(text string, columns int) string {
	const indent = "    "
	if columns > 2*len(indent) {
		text = ansi.HardwrapWc(text, columns-len(indent), false)
	}
	return strings.ReplaceAll(text, "\n", "\n"+indent)
}

// who says whose message it is, and of our own to whom.
func who(m client.Message) string {
	if m.Outgoing() || isGroup(m.Contact) {
		return m.From + " to " + m.Contact
	}
	return m.From
}

// describe gives the text of a message, or says why there is none.
func describe(m client.Message) string {
	switch {
	case m.Deleted:
		return "[deleted]"
	case m.Type == client.TypeText:
		return describeText(m)
	case m.Type == client.TypeFile && m.File != nil:
		file := fmt.Sprintf("[file %s, %s]", m.File.Name, size(m.File.Size))
		if m.Text == "" && m.Reply == nil && !m.Edited && len(m.Reactions) == 0 {
			return file
		}
		return file + " " + describeText(m)
	case m.Type == client.TypeTimer:
		return describeTimer(m.Text)
	case m.Type == client.TypeGroup:
		return describeNews(m)
	case m.Type == client.TypeUnreadable:
		return "[a message that could not be opened]"
	case m.Type == client.TypeMissing:
		if m.Text == "1" {
			return "[1 message had not arrived here]"
		}
		return "[" + m.Text + " messages had not arrived here]"
	}
	return "[a message of a kind that needs a newer version]"
}

func describeTimer(seconds string) string {
	if seconds == "0" {
		return "[messages stay from now on]"
	}
	return "[messages disappear " + seconds + " s after they are read, from now on]"
}

// describeText gives a text with what it answers, and what was done to it.
func describeText(m client.Message) string {
	text := m.Text
	if q := m.Reply; q != nil {
		said := strings.Join(strings.Fields(q.Text), " ")
		if r := []rune(said); len(r) > 40 {
			said = string(r[:40]) + "…"
		}
		text = fmt.Sprintf("[to %s: %s] %s", q.From, said, text)
	}
	if m.Edited {
		text += " [edited]"
	}
	for _, r := range m.Reactions {
		text += fmt.Sprintf(" [%s %s]", r.Emoji, r.From)
	}
	return text
}

// size writes bytes as people read them.
func size(n int64) string {
	units := []string{"B", "KB", "MB", "GB"}
	x, unit := float64(n), 0
	for x >= 999.5 && unit < len(units)-1 {
		x /= 1000
		unit++
	}
	if unit == 0 || x >= 99.5 {
		return fmt.Sprintf("%.0f %s", x, units[unit])
	}
	return fmt.Sprintf("%.1f %s", x, units[unit])
}

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }
