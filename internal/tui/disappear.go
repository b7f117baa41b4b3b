package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"secure-messaging/pkg/client"
)

// units are how times of messages that disappear are written and spelt, the
// longest first.
var units = []struct {
	letter    string
	one, many string
	long      time.Duration
}{
	{"w", "week", "weeks", 7 * 24 * time.Hour},
	{"d", "day", "days", 24 * time.Hour},
	{"h", "hour", "hours", time.Hour},
	{"m", "minute", "minutes", time.Minute},
	{"s", "second", "seconds", time.Second},
}

// spell says a time in the longest unit that gives a whole number.
func spell(d time.Duration) string {
	for _, u := range units {
		if d >= u.long && d%u.long == 0 {
			return plural(int(d/u.long), u.one, u.many)
		}
	}
	return plural(int(d/time.Second), "second", "seconds")
}

// remaining says how long something still takes, in its two longest units.
func remaining(d time.Duration) string {
	d = max(d.Round(time.Second), time.Second)
	for i, u := range units {
		n, rest := int(d/u.long), d%u.long
		if n == 0 {
			continue
		}
		said := plural(n, u.one, u.many)
		if i+1 < len(units) && rest >= units[i+1].long {
			said += " " + plural(int(rest/units[i+1].long), units[i+1].one, units[i+1].many)
		}
		return said
	}
	return ""
}

// parseTime reads "off" or a number and a unit.
func parseTime(s string) (d time.Duration, ok bool) {
	if s = strings.ToLower(strings.ReplaceAll(s, " ", "")); s == "off" {
		return 0, true
	}
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyz")
	n, err := strconv.Atoi(digits)
	if err != nil || n <= 0 {
		return 0, false
	}
	for _, u := range units {
		switch s[len(digits):] {
		case u.letter, u.one, u.many:
			if time.Duration(n) > client.MaxDisappear/u.long {
				return 0, false
			}
			return time.Duration(n) * u.long, true
		}
	}
	return 0, false
}

// commandDisappear sets after which time messages disappear, or says it.
func (m *model) commandDisappear(args string) (tea.Cmd, string) {
	c := m.roster.get(m.current)
	if c.State != client.Accepted {
		return nil, "Open a conversation first: it is set for each."
	}
	if args == "" {
		m.say("Messages with " + c.Name + " stay. /disappear 1d, or 30m, 8h, 1w, lets new ones go after they are read.")
		if c.Disappear != 0 {
			m.say(fmt.Sprintf("Messages with %s disappear %s after they are read. /disappear off lets new ones stay.", c.Name, spell(time.Duration(c.Disappear)*time.Second)))
		}
		return nil, ""
	}
	d, ok := parseTime(args)
	if !ok {
		return nil, "That is no time. Write 30s, 30m, 8h, 1d or 1w, at most 4w; or off."
	}
	if isGroup(c.Name) {
		seconds := int(d / time.Second)
		return m.jobs.changeGroup(c.Name, client.GroupChange{Disappear: &seconds}, "disappear "+args), ""
	}
	return m.jobs.disappear(c.Name, d), ""
}
