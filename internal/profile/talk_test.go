package profile

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"

	"secure-messaging/pkg/client"
)

// What the model knows of conversations.

// seen moves what a contact has read to that state.
func (m model) seen(r client.Seen) {
	var from, to int64
	for _, msg := range m.Messages {
		if msg.ID == r.ID.String() && msg.Contact == r.Contact {
			to = msg.Cursor
		}
	}
	for _, msg := range m.Messages {
		if msg.Contact == r.Contact && msg.Cursor < to && msg.State == client.Read {
			from = msg.Cursor
		}
	}
	for i := range m.Messages {
		msg := &m.Messages[i]
		if msg.Contact == r.Contact && msg.Cursor > from && msg.Cursor <= to && (msg.State == client.Stored || msg.State == client.Delivered) {
			msg.State = client.Read
		}
	}
}

// hear keeps what changes say of no message.
func (m *model) hear(c *client.Changes) {
	m.Heard = maps.Clone(m.Heard)
	for _, h := range c.Heard {
		if m.Heard == nil {
			m.Heard = map[string]time.Time{}
		}
		m.Heard[h.ID.String()] = h.At
	}
	if c.Settings != nil {
		m.Settings = *c.Settings
	}
}

// afterView gives the model with a conversation left that way.
func (m model) afterView(v client.View) model {
	views := map[string]client.View{v.Contact: v}
	for name, old := range m.Views {
		if name != v.Contact {
			views[name] = old
		}
	}
	if v == (client.View{Contact: v.Contact}) {
		delete(views, v.Contact)
	}
	m.Views = views
	return m
}

// afterRead gives the model with a conversation read up to a cursor.
func (m model) afterRead(contact string, cursor int64, at time.Time) model {
	m.Messages = slices.Clone(m.Messages)
	for i := range m.Messages {
		msg := &m.Messages[i]
		if msg.Contact != contact || msg.Cursor > cursor || !msg.Unread {
			continue
		}
		msg.Unread = false
		if msg.Disappear > 0 {
			msg.GoneAt = at.Add(time.Duration(msg.Disappear) * time.Second)
		}
	}
	return m
}

// afterTime gives the model without the first few messages of which the time
// has come.
func (m model) afterTime(at time.Time, limit int) model {
	due := slices.DeleteFunc(slices.Clone(m.Messages), func(msg client.Message) bool {
		return msg.GoneAt.IsZero() || msg.GoneAt.After(at)
	})
	slices.SortStableFunc(due, func(a, b client.Message) int { return a.GoneAt.Compare(b.GoneAt) })
	due = due[:min(limit, len(due))]
	heard := map[string]time.Time{}
	for id, told := range m.Heard {
		if !told.Before(at.Add(-client.HeardFor)) {
			heard[id] = told
		}
	}
	m.Views = maps.Clone(m.Views)
	for _, msg := range due {
		heard[msg.ID] = at
		m.dropEdit(msg.Cursor)
	}
	m.Heard = heard
	m.Messages = slices.DeleteFunc(slices.Clone(m.Messages), func(msg client.Message) bool {
		return slices.ContainsFunc(due, func(d client.Message) bool { return d.Cursor == msg.Cursor })
	})
	return m
}

// dropEdit forgets other words for a message that is gone.
func (m model) dropEdit(cursor int64) {
	maps.DeleteFunc(m.Views, func(_ string, v client.View) bool { return cursor != 0 && v.Edits == cursor })
}

// quoting gives the messages with the words of what they answer.
func (m model) quoting() []client.Message {
	all := slices.Clone(m.Messages)
	byID := make(map[string]*client.Message)
	for i := range m.Messages {
		byID[m.Messages[i].ID] = &m.Messages[i]
	}
	for i := range all {
		if all[i].Reply == nil {
			continue
		}
		q := client.Quote{ID: all[i].Reply.ID, From: all[i].Reply.From}
		if to := byID[q.ID]; to != nil && to.Contact == all[i].Contact && to.From == q.From {
			q.Cursor, q.Text = to.Cursor, beginning(to.Text)
		}
		all[i].Reply = &q
	}
	return all
}

// find gives the cursors of the texts that have a word which begins that way,
// the latest first.
func (m model) find(begins, contact string) (cursors []int64) {
	for _, msg := range m.Messages {
		if contact != "" && msg.Contact != contact {
			continue
		}
		words := strings.FieldsFunc(msg.Text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
		if slices.ContainsFunc(words, func(w string) bool { return strings.HasPrefix(w, begins) }) {
			cursors = append(cursors, msg.Cursor)
		}
	}
	slices.SortFunc(cursors, func(a, b int64) int { return cmp.Compare(b, a) })
	return cursors
}
