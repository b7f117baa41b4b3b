package tui

import (
	"fmt"

	"charm.land/lipgloss/v2"

	"secure-messaging/pkg/client"
)

// row is one line of the sidebar.
type row struct {
	text string
	name string // who is opened by a click; "" for none
}

// height is how many rows all of the sidebar has: of each group that is not
// empty its title and its people, with a blank between two.
func (r *roster) height() (n int) {
	for _, size := range r.sizes {
		if size > 0 {
			n += size + 2
		}
	}
	return max(n-1, 0)
}

// rowOf returns the row of a contact's place.
func (r *roster) rowOf(i int) int {
	row, first := 1, 0
	for _, size := range r.sizes {
		if i < first+size {
			return row + i - first
		}
		if size > 0 {
			row, first = row+size+2, first+size
		}
	}
	return 0
}

// at returns whose place a row is, or -1; of a title's row it is -2-group.
func (r *roster) at(row int) int {
	first := 0
	for g, size := range r.sizes {
		switch {
		case size == 0:
			continue
		case row == 0:
			return -2 - g
		case row <= size:
			return first + row - 1
		}
		row, first = row-size-2, first+size
		if row == -1 {
			return -1
		}
	}
	return -1
}

// scroll moves the sidebar by n rows, until another conversation is opened.
func (r *roster) scroll(n int, current string, height int) {
	r.from, r.scrolled = min(max(r.top(current, height)+n, 0), max(r.height()-height, 0)), true
}

// top is the first row that is on screen: the open conversation is among them,
// unless the sidebar was scrolled.
func (r *roster) top(current string, height int) int {
	from := r.from
	if !r.scrolled {
		from = r.rowOf(max(r.index(current), 0)) - height/2
	}
	return min(max(from, 0), max(r.height()-height, 0))
}

// rows lays the sidebar out. Only what is on screen is drawn: there may be
// thousands.
func (r *roster) rows(lk *look, current string, width, height int, writing func(string) bool) []row {
	if len(r.contacts) == 0 {
		return []row{{text: " " + lk.Title.Render(groups[0].title)}, {text: "   " + lk.Dim.Render("nobody yet")}}
	}
	from := r.top(current, height)
	rows := make([]row, min(height, r.height()-from))
	first, last := len(r.contacts), -1
	for y := range rows {
		switch i := r.at(from + y); {
		case i >= 0:
			c := r.contacts[i]
			rows[y] = row{lk.contactRow(*c, c.Name == current, width, writing(c.Name)), c.Name}
			first, last = min(first, i), i
		case i <= -2:
			rows[y] = row{text: " " + lk.Title.Render(groups[-2-i].title)}
		}
	}
	const least = 4 // rows, or there is no room to say what is beyond them
	if len(rows) < least {
		return rows
	}
	if text, name := r.beyond(lk, 0, first); name != "" {
		rows[0] = row{lk.pad(" "+lk.Fresh.Render(lk.Up+" "+text), width), name}
	}
	if text, name := r.beyond(lk, last+1, len(r.contacts)); name != "" {
		rows[len(rows)-1] = row{lk.pad(" "+lk.Fresh.Render(lk.Down+" "+text), width), name}
	}
	return rows
}

// beyond says what waits at some places, which are out of sight, and who is the
// first of them.
func (r *roster) beyond(lk *look, from, to int) (text, name string) {
	if from >= to {
		return "", ""
	}
	var first *client.Contact
	unread := 0
	for _, c := range r.waiting {
		if order(c, r.contacts[from]) >= 0 && order(c, r.contacts[to-1]) <= 0 {
			unread += c.Unread
			if first == nil || order(c, first) < 0 {
				first = c
			}
		}
	}
	asks := max(from, r.sizes[0]) // the first of those who ask
	asking := max(min(to, r.sizes[0]+r.sizes[1])-asks, 0)
	if asking > 0 && first == nil {
		first = r.contacts[asks]
	}
	switch {
	case first == nil:
		return "", ""
	case unread == 0:
		text = count(asking) + " asking"
	case asking == 0:
		text = count(unread) + " unread"
	default:
		text = fmt.Sprintf("%s unread %s %s", count(unread), lk.Person, count(asking))
	}
	return text, first.Name
}

func (lk *look) contactRow(c client.Contact, open bool, width int, writing bool) string {
	tail, style := "", lk.Text
	sign, mark := lk.mark(c.Trust)
	switch {
	case c.Trust == client.Changed:
	case c.State == client.Incoming:
		sign, mark = lk.Person, lk.Warn
	case c.State == client.Requested:
		sign, style = lk.Asked, lk.Dim
	case c.Unread > 0:
		style = lk.Strong
	}
	if c.State == client.Accepted && c.Online {
		tail = lk.Connected
	}
	if writing {
		tail = lk.More
	}
	end, openEnd := lk.Accent, lk.OpenCount
	switch {
	case c.Unread > 0 && writing:
		tail += " " + count(c.Unread)
	case c.Unread > 0:
		tail = count(c.Unread)
	case tail == lk.Connected:
		end, openEnd = lk.Good, lk.Good.Inherit(lk.Open)
	}
	sign = lk.pad(sign, 1)
	name := lk.cut(c.Name, width-lk.cells.StringWidth(tail)-5)
	gap := space(width - 3 - lk.cells.StringWidth(name) - lk.cells.StringWidth(tail) - 1)
	if open {
		return lk.OpenCount.Render(lk.Here) + lk.Open.Render(sign+" "+name+gap) + openEnd.Render(tail+" ")
	}
	return " " + mark.Render(sign) + " " + style.Render(name) + gap + end.Render(tail) + " "
}

// mark is the sign of how sure a contact's key is, where there is something to
// say.
func (lk *look) mark(t client.Trust) (string, lipgloss.Style) {
	switch t {
	case client.Verified:
		return lk.Verified, lk.Good
	case client.Changed:
		return lk.Changed, lk.Bad
	}
	return "", lk.Dim
}

func count(n int) string {
	if n > 999 {
		return "999+"
	}
	return fmt.Sprint(n)
}
