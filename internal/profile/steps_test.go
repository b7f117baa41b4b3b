package profile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// step is one write of a client: what the store holds after it, and the write.
func (c *crashing) step() (next model, write func(*Store) error) {
	who, at := c.people[c.rand.IntN(len(c.people))].Name, now()
	cursor := 1 + c.rand.Int64N(c.acked.cursors+1)
	switch c.rand.IntN(12) {
	case 0: // somebody writes
		v := client.View{Contact: who, Draft: strings.Repeat("draft ", c.rand.IntN(1<<c.rand.IntN(12))), Replies: c.rand.Int64N(2) * cursor, Edits: c.rand.Int64N(2) * cursor, Line: c.rand.IntN(2)}
		return c.acked.afterView(v), func(s *Store) error { return s.SetView(v) }
	case 1: // a conversation is read
		return c.acked.afterRead(who, cursor, at), func(s *Store) error { _, err := s.MarkRead(who, cursor, at); return err }
	case 2: // time goes by
		at = at.Add(time.Duration(c.rand.IntN(200)) * time.Second)
		limit := 1 + c.rand.IntN(8)
		return c.acked.afterTime(at, limit), func(s *Store) error { _, _, err := s.Vanish(at, limit); return err }
	case 3: // a bot has handled something
		o := client.Consumer{Name: who, Cursor: cursor - 1, At: at}
		return c.acked.afterAck(o), func(s *Store) error { return s.Ack(o.Name, o.Cursor, o.At) }
	}
	changes := c.changes()
	return c.acked.after(changes), func(s *Store) error { return c.commit(s, changes) }
}

// changes makes a step as a client does.
func (c *crashing) changes() *client.Changes {
	who := c.people[c.rand.IntN(len(c.people))]
	who.Session = fmt.Appendf(nil, "session after %d, %0*d", c.commits, c.rand.IntN(3000), 0)
	changes := &client.Changes{Contacts: []client.ContactRecord{who}}
	text := fmt.Sprintf("%d: %s", c.commits, strings.Repeat("text ", c.rand.IntN(1<<c.rand.IntN(12))))
	switch c.rand.IntN(6) {
	case 0: // several arrive
		for n := range 1 + c.rand.IntN(10) {
			changes.Messages = append(changes.Messages, c.colour(incoming(who, fmt.Sprint(n, text))))
		}
	case 1: // one is sent
		m := incoming(who, text)
		m.Author, m.From, m.State, m.Unread = c.self, string(c.self.User), client.Waiting, false
		changes.Messages = append(changes.Messages, c.colour(m))
		changes.Enqueue = append(changes.Enqueue, client.OutboxItem{ID: mustID(m), Kind: "encrypted_message", Contact: who.Name, At: now(), Frame: []byte(text)})
	case 2: // receipts come
		for _, it := range c.acked.Outbox {
			switch c.rand.IntN(4) {
			case 0:
				changes.Stored = append(changes.Stored, it.ID)
				changes.States = append(changes.States, client.StateChange{ID: it.ID, State: client.Stored})
			case 1, 2:
				changes.Settle = append(changes.Settle, it.ID)
				changes.States = append(changes.States, client.StateChange{ID: it.ID, State: client.Delivered})
			}
		}
	case 3: // a request is opened, under prekeys that go or are replaced
		c.turnPrekeys(changes)
	default: // something is said of what is there
		c.talk(changes)
	}
	return changes
}

func (c *crashing) turnPrekeys(changes *client.Changes) {
	id := c.acked.Highest + 1
	for _, k := range c.acked.Prekeys {
		switch {
		case c.rand.IntN(3) == 0:
			changes.DropPrekeys = append(changes.DropPrekeys, k.ID)
		case k.Replaced.IsZero():
			k.Replaced = now()
			changes.ReplacePrekeys = append(changes.ReplacePrekeys, k)
		}
	}
	changes.AddPrekeys = []crypto.PrekeyPrivate{crypto.NewPrekey(crypto.PrekeySigned, id, now()), crypto.NewPrekey(crypto.PrekeyOneTime, id+1, now())}
	changes.AddHandshakes = []client.Handshake{{Signed: id, Ephemeral: crypto.NewBoxPrivate().Public()}}
}

// colour makes some messages answers, and some that disappear.
func (c *crashing) colour(m client.NewMessage) client.NewMessage {
	if quoted, _ := c.any(); c.rand.IntN(3) == 0 {
		m.Reply = &client.Quote{ID: quoted.ID, From: quoted.From}
	}
	if c.rand.IntN(3) == 0 {
		m.Disappear = 1 + c.rand.IntN(200)
		if m.Outgoing() {
			m.GoneAt = m.At.Add(time.Duration(m.Disappear) * time.Second)
		}
	}
	return m
}

// any names a message that is there, or one that is not.
func (c *crashing) any() (m client.Message, author crypto.Address) {
	if len(c.acked.Messages) == 0 || c.rand.IntN(10) == 0 {
		return client.Message{ID: crypto.NewMessageID().String(), From: string(c.self.User)}, c.self
	}
	m = c.acked.Messages[c.rand.IntN(len(c.acked.Messages))]
	for _, p := range c.people {
		if p.Name == m.From {
			return m, p.Certificate.Address()
		}
	}
	return m, c.self
}

// talk changes messages that are there.
func (c *crashing) talk(changes *client.Changes) {
	for range 1 + c.rand.IntN(4) {
		m, author := c.any()
		id := mustID(client.NewMessage{Message: m})
		switch c.rand.IntN(6) {
		case 0:
			changes.Rewrites = append(changes.Rewrites, client.Rewrite{Author: author, ID: id, Text: fmt.Sprintf("%d: edited %0*d", c.commits, c.rand.IntN(3000), 0)})
		case 1:
			changes.Rewrites = append(changes.Rewrites, client.Rewrite{Author: author, ID: id, Deleted: true})
		case 2:
			emoji := []string{"👍", "🎉", ""}[c.rand.IntN(3)]
			changes.Reacts = append(changes.Reacts, client.React{Author: author, ID: id, By: []crypto.Username{c.self.User, "bob"}[c.rand.IntN(2)], Emoji: emoji, At: now()})
		case 3:
			if author == c.self {
				changes.Reads = append(changes.Reads, client.Seen{Contact: m.Contact, ID: id})
			}
		case 4:
			age := time.Duration(c.rand.IntN(2)) * client.HeardFor // some are over soon
			changes.Heard = append(changes.Heard, client.Heard{Author: author, ID: crypto.NewMessageID(), At: now().Add(-age)})
		case 5:
			changes.Settings = &client.Settings{Receipts: c.rand.IntN(2) == 0, Typing: c.rand.IntN(2) == 0}
			changes.Contacts[0].Disappear = c.rand.IntN(3)
		}
	}
}

// search looks for some words, and says what it finds wrong.
func (c *crashing) search(s *Store) string {
	for _, word := range []string{"text", "edi", fmt.Sprint(c.rand.IntN(10)), fmt.Sprint(c.commits / 2)} {
		for _, who := range []string{"", c.people[0].Name} {
			found, err := s.Search(client.Search{Find: word, Contact: who, Limit: 1 << 20})
			if err != nil {
				return c.unlessOff("the search fails", err)
			}
			var got []int64
			for _, m := range found {
				got = append(got, m.Cursor)
			}
			if want := c.acked.find(word, who); !slices.Equal(got, want) {
				return fmt.Sprintf("after %d commits %q is found at %v, not %v", c.commits, word, got, want)
			}
		}
	}
	return ""
}

func mustID(m client.NewMessage) crypto.MessageID {
	id, err := parseID(m.ID)
	if err != nil {
		panic(err)
	}
	return id
}
