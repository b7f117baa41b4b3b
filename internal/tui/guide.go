package tui

import "secure-messaging/pkg/client"

// guide offers what is worth doing after the first message to somebody: to make
// sure that it went to them. It is offered once, for no message after it is the
// first.
func (m *model) guide(sent *client.Message) {
	c := m.roster.get(sent.Contact)
	t := m.threads[sent.Contact]
	if c.Trust != client.Pinned || t == nil || t.older || len(m.keys.Verify.Keys()) == 0 {
		return
	}
	for _, e := range t.entries {
		if e.Outgoing() && e.Type == client.TypeText && e.Cursor != sent.Cursor {
			return
		}
	}
	m.say("Is it really " + c.Name + "? " + m.keys.Verify.Help().Key + " shows a number to compare with them, once, by phone for instance.")
}
