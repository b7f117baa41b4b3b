package powerloss

import (
	"cmp"
	"fmt"
	"slices"

	"secure-messaging/pkg/client"
)

// broken reads what has come to the histories of recipients since it was called
// last, and returns which promises are broken: a message out of its sender's
// order, a message that is there twice, and one that its sender has heard to be
// stored or delivered and that is nowhere. While a message is on its way it is
// to be called when recipients have caught up only.
func (w *world) broken() (all []string) {
	for _, r := range w.recipients {
		all = append(all, w.readOn(r)...)
	}
	for _, s := range w.senders {
		for _, r := range w.recipients {
			for i, id := range s.sent[r][r.seen[s]:] {
				state, err := s.toldOf(id)
				if err != nil {
					all = append(all, err.Error())
				} else if state != client.Waiting {
					all = append(all, fmt.Sprintf("message %d of %s to %s is lost, and was said to be %s", r.seen[s]+i, s.name, r.name, state))
				}
			}
		}
	}
	return all
}

// readOn reads on in the history of a recipient.
func (w *world) readOn(r *person) (all []string) {
	for {
		page, err := r.store.History(client.Query{After: cmp.Or(r.read, client.FromStart), Incoming: true, Limit: client.MaxLimit})
		if err != nil {
			return append(all, err.Error())
		}
		for _, m := range page {
			r.read = m.Cursor
			if wrong := w.next(r, m); wrong != "" {
				all = append(all, wrong)
			}
		}
		if len(page) == 0 {
			return all
		}
	}
}

// next says what is wrong with a message that comes next in a history.
func (w *world) next(r *person, m client.Message) string {
	i := slices.IndexFunc(w.senders, func(s *person) bool { return s.name == m.From })
	if i < 0 {
		return fmt.Sprintf("%s has a message of %s", r.name, m.From)
	}
	s := w.senders[i]
	sent, n := s.sent[r], r.seen[s]
	if n < len(sent) && sent[n] == m.ID && m.Type == client.TypeText {
		r.seen[s]++
		return ""
	}
	at := slices.Index(sent, m.ID)
	switch {
	case m.Type == client.TypeMissing:
		return fmt.Sprintf("%s is shown that %s messages of %s are missing, behind %d", r.name, m.Text, s.name, n)
	case at < 0:
		return fmt.Sprintf("%s has a message that %s has not written, behind %d", r.name, s.name, n)
	case at < n:
		return fmt.Sprintf("%s has message %d of %s twice", r.name, at, s.name)
	case m.Type != client.TypeText:
		return fmt.Sprintf("%s has message %d of %s as %s", r.name, at, s.name, m.Type)
	}
	r.seen[s] = at + 1
	return fmt.Sprintf("%s has message %d of %s behind %d", r.name, at, s.name, n-1)
}

// unread forgets what was read of the histories, so that all is read again.
func (w *world) unread() {
	for _, r := range w.recipients {
		r.read = 0
		clear(r.seen)
	}
}
