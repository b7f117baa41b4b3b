package client

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Reply implements Account.
func (c *Client) Reply(_ context.Context, cursor int64, text string) (Message, error) {
	st, err := c.do(func(s *session, now time.Time) (*step, error) { return s.reply(cursor, text, now) })
	if err != nil {
		return Message{}, err
	}
	return c.filled(st.Messages[0].Message), nil
}

// Edit implements Account.
func (c *Client) Edit(_ context.Context, cursor int64, text string) (Message, error) {
	return c.change(cursor, func(s *session, now time.Time) (*step, error) { return s.edit(cursor, text, now) })
}

// Delete implements Account.
func (c *Client) Delete(_ context.Context, cursor int64) (Message, error) {
	return c.change(cursor, func(s *session, now time.Time) (*step, error) { return s.remove(cursor, now) })
}

// React implements Account.
func (c *Client) React(_ context.Context, cursor int64, emoji string) (Message, error) {
	return c.change(cursor, func(s *session, now time.Time) (*step, error) { return s.react(cursor, emoji, now) })
}

// change fulfils a wish about the message at cursor, and returns what that has
// become.
func (c *Client) change(cursor int64, w wish) (Message, error) {
	if _, err := c.do(w); err != nil {
		return Message{}, err
	}
	m, err := c.store.Place(cursor)
	return m.Message, err
}

// filled is a message as the history has it: with what it answers.
func (c *Client) filled(m Message) Message {
	if m.Reply != nil {
		if stored, err := c.store.Place(m.Cursor); err == nil {
			return stored.Message
		}
	}
	return m
}

// Disappear implements Account.
func (c *Client) Disappear(_ context.Context, contact string, after time.Duration) (Contact, error) {
	_, err := c.do(func(s *session, now time.Time) (*step, error) { return s.disappear(contact, after, now) })
	if err != nil {
		return Contact{}, err
	}
	return c.contact(contact)
}

// Settings implements Account.
func (c *Client) Settings(context.Context) (Settings, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session.settings, nil
}

// SetSettings implements Account.
func (c *Client) SetSettings(_ context.Context, settings Settings) error {
	_, err := c.do(func(*session, time.Time) (*step, error) {
		st := &step{}
		st.Settings = &settings
		return st, nil
	})
	if err != nil {
		return err
	}
	if !settings.Presence {
		c.nobodyOnline()
	}
	c.renewPresence()
	return nil
}

// Search implements Account.
func (c *Client) Search(_ context.Context, q Search) ([]Message, error) {
	if len(q.Find) > MaxFind || !utf8.ValidString(q.Find) {
		return nil, &Error{Code: CodeUsage, Text: fmt.Sprintf("That is too much to search for, or no UTF-8 text. Type at most %d bytes.", MaxFind)}
	}
	q.Limit = limit(q.Limit)
	return c.store.Search(q)
}

// limit is how many messages a caller wants.
func limit(n int) int {
	if n <= 0 {
		return DefaultLimit
	}
	return min(n, MaxLimit)
}

// Views implements Account.
func (c *Client) Views(context.Context) ([]View, error) { return c.store.Views() }

// SetView implements Account.
func (c *Client) SetView(_ context.Context, v View) error {
	if name, group := strings.CutPrefix(v.Contact, GroupSign); !group || !isGroupName(name) {
		if _, err := ParseName(v.Contact); err != nil {
			return err
		}
	}
	if len(v.Draft) > 2*MaxText || !utf8.ValidString(v.Draft) || min(v.Replies, v.Edits, v.Top) < 0 {
		return &Error{Code: CodeUsage, Text: fmt.Sprintf("The draft is too long, or no UTF-8 text: at most %d KiB are kept.", 2*MaxText>>10)}
	}
	return c.store.SetView(v)
}
