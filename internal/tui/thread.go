package tui

import (
	"cmp"
	"slices"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

const (
	// pageSize is how many messages one look into the history brings: a few
	// screens, in one short query.
	pageSize = 100

	// maxLoaded is how many messages of a conversation are held in memory.
	// Beyond it the end that is farther from the reader is let go and read
	// again when it is needed.
	maxLoaded = 4 * client.MaxLimit
)

// thread is the part of one conversation that is in memory: messages in the
// order of their cursors, without a gap.
type thread struct {
	contact string
	entries []*entry
	older   bool // the history holds more before the first entry
	newer   bool // and after the last one
	loading bool // a page is on its way
	stuck   bool // the last page could not be read; not before the reader asks again
	epoch   int  // pages that were asked for in an earlier epoch are void

	latest int64 // highest cursor that was heard of, in memory or not
	asked  int64 // what that was when the last page was asked for
	// heard is what happened, while a page was on its way, to messages that are
	// not in memory; nil to those that are gone. What is read may be older.
	heard  map[int64]*client.Message
	fresh  int64 // the first message that was new when it came to be shown; 0 for none
	behind bool  // something is unread that has not been on screen
	marked int64 // up to here the account was told that we have read
	sought int64 // a message that is to stand in the middle once what is around it is there; 0 for none

	window
}

// entry is a message and its lines, as they were last drawn.
type entry struct {
	client.Message
	version int // rises with every change of the message
	block
}

func newThread(contact string) *thread {
	return &thread{contact: contact, older: true, window: window{follow: true}}
}

// find returns the index of the first entry at or after cursor.
func (t *thread) find(cursor int64) (int, bool) {
	return slices.BinarySearchFunc(t.entries, cursor, func(e *entry, c int64) int { return cmp.Compare(e.Cursor, c) })
}

// put adds a message or brings the one that is there up to date. What was
// read from the history and what came as an event may arrive in either order,
// so a state never goes back.
func (t *thread) put(m client.Message) (added bool) {
	t.latest = max(t.latest, m.Cursor)
	i, there := t.find(m.Cursor)
	if !there {
		t.entries = slices.Insert(t.entries, i, &entry{Message: m})
		return true
	}
	e := t.entries[i]
	unread := e.Unread && m.Unread
	if rank(m.State) >= rank(e.State) && (m.Edited || !e.Edited) && (m.Deleted || !e.Deleted) {
		said := e.Text
		e.Message = m
		e.version++
		if said != m.Text {
			t.requote(m.Cursor, client.Quote{Cursor: m.Cursor, ID: m.ID, From: m.From, Text: sanitize.Line(m.Text)})
		}
	}
	e.Unread = unread
	return false
}

// requote has the answers to a message say what it says now.
func (t *thread) requote(cursor int64, q client.Quote) {
	for _, e := range t.entries {
		if e.Reply != nil && e.Reply.Cursor == cursor {
			e.Reply = &q
			e.version++
		}
	}
}

// remove takes a message away that has disappeared. A reader who was at it is
// at the next one then.
func (t *thread) remove(p *page, gone client.Message) {
	t.requote(gone.Cursor, client.Quote{ID: gone.ID, From: gone.From})
	i, there := t.find(gone.Cursor)
	if !there {
		t.hear(gone.Cursor, nil)
		return
	}
	t.entries = slices.Delete(t.entries, i, i+1)
	if t.fresh == gone.Cursor {
		t.fresh = 0
	}
	switch {
	case len(t.entries) == 0:
		t.reset()
	case !t.follow:
		i, line := t.locate(p)
		t.anchor(p, i, line)
	}
}

// hear keeps in mind what a page that is on its way may not know yet.
func (t *thread) hear(cursor int64, m *client.Message) {
	if !t.loading {
		return
	}
	if t.heard == nil {
		t.heard = map[int64]*client.Message{}
	}
	t.heard[cursor] = m
}

// rank orders the states in which a message passes them.
func rank(s client.MessageState) int {
	return slices.Index([]client.MessageState{client.Waiting, client.Stored, client.Delivered, client.Read, client.Failed, client.Received}, s)
}

// arrive takes a message from an event. It reports whether it was added to
// what is in memory, which it is not while the end of the thread is not.
func (t *thread) arrive(m client.Message) bool {
	if t.newer && m.Cursor > t.last() {
		t.latest = max(t.latest, m.Cursor)
		return true
	}
	return t.put(m)
}

func (t *thread) first() int64 {
	if len(t.entries) == 0 {
		return 0
	}
	return t.entries[0].Cursor
}

func (t *thread) last() int64 {
	if len(t.entries) == 0 {
		return 0
	}
	return t.entries[len(t.entries)-1].Cursor
}

// update changes the message that is in memory, if it is.
func (t *thread) update(m client.Message) {
	if _, there := t.find(m.Cursor); there {
		t.put(m)
		return
	}
	t.hear(m.Cursor, &m)
}

// page takes an answer of the history.
func (t *thread) page(q client.Query, messages []client.Message) {
	full := len(messages) == q.Limit
	for _, m := range messages {
		if later, heard := t.heard[m.Cursor]; !heard {
			t.put(m)
		} else if later != nil {
			t.put(*later)
		}
	}
	t.heard = nil
	switch {
	case q.After != 0: // what was heard of before it was asked for is here, or gone
		t.newer = full || t.last() < t.latest && t.asked < t.latest
	case q.Before > 0:
		t.older = full
	default:
		t.older, t.newer = full, false
	}
	t.trim()
}

// seek forgets what is in memory, to go on at a message that is not.
func (t *thread) seek(cursor int64) {
	t.reset()
	t.window = window{top: place{cursor: cursor}}
	t.sought = cursor
}

// begin says which part of the history is read first: the latest, or what comes
// from the place of the reader on.
func (t *thread) begin(q *client.Query) {
	if t.follow {
		return
	}
	if q.After = t.top.cursor - 1; q.After == 0 {
		q.After = client.FromStart
	}
}

// trim lets go of the end that is farther from the reader.
func (t *thread) trim() {
	over := len(t.entries) - maxLoaded
	if over <= 0 {
		return
	}
	at := len(t.entries)
	if !t.follow {
		at, _ = t.find(t.top.cursor)
	}
	if at > len(t.entries)/2 {
		t.entries = slices.Delete(t.entries, 0, over)
		t.older = true
	} else {
		t.entries = slices.Delete(t.entries, len(t.entries)-over, len(t.entries))
		t.newer = true
	}
}

// reset forgets what is in memory, so that the latest page is read anew.
func (t *thread) reset() {
	*t = thread{contact: t.contact, older: true, epoch: t.epoch + 1, latest: t.latest, window: window{follow: true}}
}

// unmarked counts the unread messages before entry to of which the account
// was not told yet that we have read them.
func (t *thread) unmarked(to int) (n int) {
	for _, e := range t.entries[:to] {
		if e.Unread && e.Cursor > t.marked {
			n++
		}
	}
	return n
}

// firstUnread returns the cursor of the first message that is unread, as far as
// the account has not been told yet that it is not, or 0.
func (t *thread) firstUnread() int64 {
	for _, e := range t.entries {
		if e.Unread && e.Cursor > t.marked {
			return e.Cursor
		}
	}
	return 0
}

// arriveAt shows a conversation that is being opened: from its first unread
// message on where there is one, with the line of what is new above it.
func (t *thread) arriveAt(p *page, unread int64) {
	t.fresh, t.behind = unread, unread != 0
	if unread == 0 {
		return
	}
	i, _ := t.find(unread)
	t.anchor(p, i, 0)
}

// rest lets go of most of a conversation that is being left. The place of a
// reader who has scrolled up is kept.
func (t *thread) rest() {
	t.fresh, t.behind = 0, false
	if over := len(t.entries) - 2*pageSize; t.follow && over > 0 {
		t.entries = slices.Clone(t.entries[over:])
		t.older = true
	}
}
