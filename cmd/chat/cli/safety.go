package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"secure-messaging/internal/qr"
	"secure-messaging/internal/terminal"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// grades says what a grade of trust means.
var grades = map[client.Trust]string{
	client.Pinned:   "the relay's word at the first contact; numbers were not compared",
	client.Verified: "verified: you have compared numbers",
	client.Changed:  "changed: another key is shown in this name",
}

// mark is the sign of a grade of trust where there is little room.
func mark(t client.Trust) string {
	return map[client.Trust]string{client.Verified: "✓ verified", client.Changed: "! key changed"}[t]
}

// printSafety writes what two people compare, with the code where it can be
// drawn and fits.
func printSafety(w io.Writer, f client.Safety, draws bool) error {
	columns := terminal.Columns(w)
	fmt.Fprintf(w, "name    %s\ntrust   %s\n", f.Name, grades[f.Trust])
	if f.Trust == client.Changed {
		return printBoth(w, f, columns)
	}
	if _, err := fmt.Fprint(w, code(f.QR, draws, columns)); err != nil {
		return err
	}
	label := "number" // last: next to the question, in a terminal of few lines
	for _, line := range crypto.SafetyLines(f.Number) {
		if _, err := fmt.Fprintf(w, "%-7s %s\n", label, line); err != nil {
			return err
		}
		label = ""
	}
	return nil
}

// printBoth writes the numbers under the two keys side by side, or below each
// other where a terminal is too narrow.
func printBoth(w io.Writer, f client.Safety, columns int) error {
	known := append([]string{"known so far"}, crypto.SafetyLines(f.Number)...)
	shown := append([]string{"shown now"}, crypto.SafetyLines(f.Offered)...)
	var both []string
	if wide := 58; columns == 0 || columns > wide {
		for i := range min(len(known), len(shown)) {
			both = append(both, fmt.Sprintf("%-23s      %s", known[i], shown[i]))
		}
	} else {
		both = append(append(known, ""), shown...)
	}
	_, err := fmt.Fprintf(w, "\n    %s\n\n", strings.Join(both, "\n    "))
	return err
}

// code draws a QR code dark on light, whatever the colours of the terminal.
// Where there are to be none, most terminals are dark, and reversed does it.
func code(text string, draws bool, columns int) string {
	lines, err := qr.Lines(text)
	if !draws || err != nil || utf8.RuneCountInString(lines[0]) > columns {
		return ""
	}
	paint := "\x1b[38;5;16;48;5;231m"
	if os.Getenv("NO_COLOR") != "" {
		paint = "\x1b[7m"
	}
	return "\n" + paint + strings.Join(lines, "\x1b[m\n"+paint) + "\x1b[m\n\n"
}
