package tui

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/term"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

const (
	// handOver is how long leaving waits for the relay to take what was sent:
	// one that answers does so within a moment.
	handOver = 3 * time.Second

	// maxSaid is how many messages are remembered, to say what changes about
	// them. Who changes an older one is not announced.
	maxSaid = 500
)

// linear is the interface for screen readers and pipes: lines that are only
// ever added, in which everything is said in words. It is one goroutine beside
// one that reads lines and one that waits for events.
type linear struct {
	account client.Account
	ctx     context.Context
	out     io.Writer
	look    look

	identity client.Identity
	status   client.Status
	settings client.Settings
	roster   roster
	groups   map[string]client.Group // by name; they stand in the roster, too

	current   string                   // whom the user talks to
	said      map[int64]client.Message // as they were last said, by cursor
	order     []int64                  // the cursors of said, the oldest first
	oldest    int64                    // cursor of the first message of current that was said
	theirs    map[string]int64         // cursor of the last message of each person
	ours      map[string]int64         // cursor of our last message to each
	shown     map[string]client.Safety // what was shown to be compared
	downloads string                   // where files are saved to; "" for nowhere
	elsewhere map[string]int           // new messages of the batch that are not of current
	quit      bool
}

// RunLinear shows account as lines on the normal screen, and does what the
// lines say that come in, until they end or ctx does. The account stays the
// caller's to close.
func RunLinear(ctx context.Context, account client.Account, opts Options) error {
	in, out := opts.In, opts.Out
	if in == nil {
		in = os.Stdin
	}
	if out == nil {
		out = os.Stdout
	}
	opts.ASCII = true // no signs at all, but the dots of what is cut
	x := &linear{
		account: account, ctx: ctx, out: out, look: newLook(true, opts),
		groups: map[string]client.Group{}, said: map[int64]client.Message{}, theirs: map[string]int64{}, ours: map[string]int64{},
		shown: map[string]client.Safety{}, elsewhere: map[string]int{}, downloads: opts.Downloads,
	}
	err := x.run(in)
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (x *linear) run(in io.Reader) error {
	batch, err := x.account.Events(x.ctx, 0)
	if err == nil {
		err = x.open()
	}
	if err != nil {
		return err
	}
	x.greet()
	following, stop := context.WithCancel(x.ctx)
	defer stop()
	lines, batches := make(chan typed), make(chan happened)
	ended := make(chan struct{})
	go func() { defer close(ended); follow(following, x.account, batch.Next, batches) }()
	defer func() { stop(); <-ended }()
	go readLines(following, in, lines)
	for !x.quit {
		select {
		case l, more := <-lines:
			if !more {
				x.quit = true
				break
			}
			x.line(l)
		case h := <-batches:
			if h.err != nil {
				return h.err
			}
			x.happened(h.batch)
		case <-x.ctx.Done():
			return nil
		}
	}
	return x.leave(batches)
}

// open reads the state, at the beginning and after a gap.
func (x *linear) open() (err error) {
	if x.identity, err = x.account.Identity(x.ctx); err != nil {
		return err
	}
	if x.status, err = x.account.Status(x.ctx); err != nil {
		return err
	}
	if x.settings, err = x.account.Settings(x.ctx); err != nil {
		return err
	}
	contacts, err := x.account.Contacts(x.ctx)
	for i, c := range contacts {
		contacts[i] = cleanContact(c)
	}
	if err != nil {
		return err
	}
	all, err := x.account.Groups(x.ctx)
	clear(x.groups)
	for _, g := range all {
		g = cleanGroup(g)
		x.groups[g.Name] = g
		contacts = append(contacts, asContact(g))
	}
	x.roster.set(contacts)
	x.identity, x.status = cleanIdentity(x.identity), cleanStatus(x.status)
	return err
}

// follow hands on the batches of events, each when the one before was taken.
func follow(ctx context.Context, account client.Account, position uint64, to chan<- happened) {
	for {
		batch, err := account.Events(ctx, position)
		select {
		case to <- happened{batch, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		position = batch.Next
	}
}

// typed is a line that came in.
type typed struct {
	text    string
	tooLong bool // and so nothing of it is there
}

// readLines hands on lines until they end. A read that is under way when ctx ends
// ends with the process.
func readLines(ctx context.Context, in io.Reader, to chan<- typed) {
	defer close(to)
	r := bufio.NewReader(in)
	for {
		l, err := readLine(r)
		if l.text != "" || l.tooLong {
			select {
			case to <- l:
			case <-ctx.Done():
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// readLine reads a line whole, and keeps no more of it than can be sent.
func readLine(r *bufio.Reader) (l typed, err error) {
	var text []byte
	for {
		part, more, err := r.ReadLine()
		if text = append(text, part...); len(text) > maxPaste {
			l.tooLong, text = true, nil
		}
		if err != nil || !more {
			if l.tooLong {
				text = nil
			}
			l.text = sanitize.Text(string(text))
			return l, err
		}
	}
}

// happened says what a batch of events brings.
func (x *linear) happened(b client.Batch) {
	if b.Lagged {
		x.say("More has happened than can be said one by one.")
		if err := x.open(); err != nil {
			x.fail(err)
		}
		return
	}
	for _, e := range b.Events {
		x.event(e)
	}
	x.sayElsewhere()
}

func (x *linear) event(e client.Event) {
	switch {
	case e.Kind == client.Warned:
		x.say("Warning: " + cleanWarning(e.Warning))
	case e.Kind == client.MessageGone && e.Message != nil:
		x.forget(e.Message.Cursor)
	case e.Kind == client.MessageAdded && e.Message != nil:
		x.added(cleanMessage(*e.Message))
	case e.Message != nil:
		x.changed(cleanMessage(*e.Message))
	case e.Group != nil:
		x.group(cleanGroup(*e.Group))
	case e.Contact != nil:
		x.contact(cleanContact(*e.Contact))
	case e.Status != nil:
		x.connection(cleanStatus(*e.Status))
	}
}

// added says a new message of the conversation, and counts those of others.
func (x *linear) added(m client.Message) {
	if _, known := x.said[m.Cursor]; known {
		return
	}
	switch {
	case m.Contact == x.current:
		x.sayMessage(m)
		x.markRead(m)
	case m.Unread:
		x.elsewhere[m.Contact]++
	}
}

// markRead marks what was said as read.
func (x *linear) markRead(m client.Message) {
	if !m.Unread {
		return
	}
	if err := x.account.MarkRead(x.ctx, m.Contact, m.Cursor); err != nil {
		x.fail(err)
		return
	}
	c := x.roster.get(m.Contact) // the account says so later
	c.Unread = 0
	x.roster.put(c)
}

// keep remembers a message as it was said.
func (x *linear) keep(m client.Message) {
	if _, known := x.said[m.Cursor]; !known {
		x.order = append(x.order, m.Cursor)
	}
	x.said[m.Cursor] = m
	if over := len(x.order) - maxSaid; over > 0 {
		for _, cursor := range x.order[:over] {
			delete(x.said, cursor)
		}
		x.order = x.order[over:]
	}
	if m.Type != client.TypeText && m.Type != client.TypeFile || m.Deleted {
		return
	}
	last := x.theirs
	if m.Outgoing() {
		last = x.ours
	}
	last[m.Contact] = max(last[m.Contact], m.Cursor)
}

// forget lets go of a message that has disappeared: its words, and that it could
// be answered.
func (x *linear) forget(cursor int64) {
	delete(x.said, cursor)
	x.order = slices.DeleteFunc(x.order, func(c int64) bool { return c == cursor })
}

// leave waits for the relay to take what was sent, where it answers.
func (x *linear) leave(batches <-chan happened) error {
	s, err := x.account.Status(x.ctx) // of what was sent just now, too
	if err != nil {
		return err
	}
	x.status = cleanStatus(s)
	late := time.After(handOver)
	for x.status.Waiting > 0 && x.status.State != client.Offline {
		select {
		case h := <-batches:
			if h.err != nil {
				return h.err
			}
			x.happened(h.batch)
		case <-late:
			return x.bye()
		case <-x.ctx.Done():
			return nil
		}
	}
	return x.bye()
}

func (x *linear) bye() error {
	if n := x.status.Waiting; n > 0 {
		return x.say(plural(n, "message waits", "messages wait") + " here, and will be sent when chat next reaches the relay.")
	}
	return x.say("Goodbye.")
}

// fail says what did not work.
func (x *linear) fail(err error) {
	if !errors.Is(err, context.Canceled) {
		x.say(cleanError(err))
	}
}

// columns is how wide the terminal is that the lines go to, or 0.
func columns(out io.Writer) int {
	f, is := out.(*os.File)
	if !is {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}
