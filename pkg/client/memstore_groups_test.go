package client

import "time"

func (m *MemStore) changeGroups(ch *Changes) {
	for _, g := range ch.Groups {
		g.Unread, g.LastAt = 0, time.Time{}
		m.groups[g.Name] = g
	}
	for _, f := range ch.Fanouts {
		m.fanouts[f.Message] = f
		if f.Done() {
			delete(m.fanouts, f.Message)
		}
	}
}

func (m *MemStore) loadGroups() (all []GroupRecord) {
	for _, g := range m.groups {
		for _, msg := range m.messages {
			if msg.Contact == g.Name {
				g.LastAt = msg.At
				if msg.Unread {
					g.Unread++
				}
			}
		}
		all = append(all, g)
	}
	return all
}
