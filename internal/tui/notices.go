package tui

import "time"

const (
	// toastFor is long enough to read two lines.
	toastFor = 8 * time.Second

	// maxWarnings bounds what waits to be dismissed. A flood of warnings says
	// the same thing in its first ones.
	maxWarnings = 20
)

// notices is what the user should know: a passing word in the last line, and
// warnings that stay until they are dismissed.
type notices struct {
	toast    string
	bad      bool
	until    time.Time
	warnings []string
}

func (n *notices) warn(text string) {
	if len(n.warnings) < maxWarnings {
		n.warnings = append(n.warnings, text)
	}
}

// dismiss takes the oldest warning away.
func (n *notices) dismiss() bool {
	if len(n.warnings) == 0 {
		return false
	}
	n.warnings = n.warnings[1:]
	return true
}
