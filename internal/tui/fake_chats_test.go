package tui

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"secure-messaging/pkg/client"
)

// The part of the fake account that goes beyond sending texts.

// change makes a message other than it was, and tells of it. The caller holds
// mu.
func (f *fake) change(cursor int64, how func(*client.Message)) (client.Message, error) {
	if f.failing != nil {
		return client.Message{}, f.failing
	}
	if cursor < 1 || cursor > int64(len(f.messages)) {
		return client.Message{}, client.ErrNotFound
	}
	m := f.messages[cursor-1]
	how(&m)
	f.messages[cursor-1] = m
	f.publish(client.Event{Kind: client.MessageChanged, Message: &m})
	return m, nil
}

// changes is change for tests.
func (f *fake) changes(cursor int64, how func(*client.Message)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.change(cursor, how); err != nil {
		panic(err)
	}
}

// quote is what an answer to a message carries.
func (f *fake) quote(cursor int64) *client.Quote {
	m := f.messages[cursor-1]
	return &client.Quote{Cursor: cursor, ID: m.ID, From: m.From, Text: m.Text}
}

// answers lets an answer to a message come in.
func (f *fake) answers(cursor int64, text string) client.Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	to := f.messages[cursor-1]
	return f.add(client.Message{Contact: to.Contact, From: to.Contact, Type: client.TypeText, Text: text, State: client.Received, Unread: true, Reply: f.quote(cursor)})
}

func (f *fake) Reply(_ context.Context, cursor int64, text string) (client.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return client.Message{}, f.refuse
	}
	return f.add(client.Message{Contact: f.messages[cursor-1].Contact, From: f.identity.Username, Type: client.TypeText, Text: text, State: client.Waiting, Reply: f.quote(cursor)}), nil
}

func (f *fake) Edit(_ context.Context, cursor int64, text string) (client.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return client.Message{}, f.refuse
	}
	return f.change(cursor, func(m *client.Message) { m.Text, m.Edited = text, true })
}

func (f *fake) Delete(_ context.Context, cursor int64) (client.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.change(cursor, func(m *client.Message) { m.Text, m.Deleted, m.Reactions = "", true, nil })
}

func (f *fake) React(_ context.Context, cursor int64, emoji string) (client.Message, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.change(cursor, func(m *client.Message) {
		m.Reactions = slices.DeleteFunc(slices.Clone(m.Reactions), func(r client.Reaction) bool { return r.From == f.identity.Username })
		if emoji != "" {
			m.Reactions = append(m.Reactions, client.Reaction{From: f.identity.Username, Emoji: emoji})
		}
	})
}

func (f *fake) Disappear(_ context.Context, contact string, after time.Duration) (client.Contact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.contacts[contact]
	c.Disappear = int(after / time.Second)
	return f.setContact(c), f.failing
}

// vanishes takes a message away as if its time had come.
func (f *fake) vanishes(cursor int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.messages[cursor-1]
	f.messages[cursor-1].Contact = "" // nobody's any more
	f.publish(client.Event{Kind: client.MessageGone, Message: &client.Message{Cursor: m.Cursor, ID: m.ID, Contact: m.Contact, From: m.From}})
}

func (f *fake) Typing(_ context.Context, contact string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.typed = append(f.typed, contact)
	return f.failing
}

// writes lets somebody be seen writing.
func (f *fake) writes(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.publish(client.Event{Kind: client.ContactWriting, Writing: name})
}

// comes and goes: somebody's device is connected, or is not.
func (f *fake) online(name string, is bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.contacts[name]
	c.Online = is
	f.setContact(c)
}

func (f *fake) Settings(context.Context) (client.Settings, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings, f.failing
}

func (f *fake) SetSettings(_ context.Context, s client.Settings) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing == nil {
		f.settings = s
	}
	return f.failing
}

func (f *fake) Search(_ context.Context, q client.Search) (found []client.Message, _ error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.searches = append(f.searches, q)
	for _, m := range slices.Backward(f.messages) {
		words := strings.Fields(q.Find)
		has := len(words) > 0 && m.Contact != "" && m.Type == client.TypeText
		for _, w := range words {
			has = has && len(matches(m.Text, w)) > 0
		}
		if has && (q.Contact == "" || q.Contact == m.Contact) && (q.Before == 0 || m.Cursor < q.Before) && len(found) < q.Limit {
			found = append(found, m)
		}
	}
	return found, f.failing
}

func (f *fake) Views(context.Context) ([]client.View, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Collect(maps.Values(f.views)), f.failing
}

func (f *fake) SetView(ctx context.Context, v client.View) error {
	f.mu.Lock()
	pen := f.pen
	f.mu.Unlock()
	if pen != nil {
		select {
		case <-pen:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.saves++
	if err := cmp.Or(f.failing, f.viewless); err != nil {
		return err
	}
	if v == (client.View{Contact: v.Contact}) {
		delete(f.views, v.Contact)
	} else {
		f.views[v.Contact] = v
	}
	return nil
}
