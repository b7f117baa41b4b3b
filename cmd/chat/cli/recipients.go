package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"secure-messaging/pkg/client"
)

// maxRecipients is of one command: a message is sealed and waited for with each.
const maxRecipients = 100

// parseRecipients reads NAME[,NAME...]. No name has a comma, and no text can be
// taken for one more name.
func parseRecipients(arg string) (names []string, err error) {
	for name := range strings.SplitSeq(arg, ",") {
		if name == "" || strings.ContainsFunc(name, unicode.IsSpace) {
			return nil, wrongUsage(fmt.Sprintf("%q is no list of names: a name stands before and behind each comma, without spaces, as in bob,carol.", arg))
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if len(names) > maxRecipients {
		return nil, wrongUsage(fmt.Sprintf("A message goes to at most %d people at once. Send it to the others with another command, or make a group.", maxRecipients))
	}
	return names, nil
}

// parcel is a message on its way to one recipient.
type parcel struct {
	to     string
	m      client.Message // without an ID before it is queued
	err    error          // why it has not come as far as asked
	waited bool           // it has come as far, or will not
}

// sending is one call of send.
type sending struct {
	*call
	wait    string
	timeout time.Duration
	asJSON  bool
	parcels []*parcel // of each recipient, the one that is under way
}

// heard waits for the answers of those who have not accepted: they may still be at
// the relay. When the first has been waited for, all that was there has come.
func (s *sending) heard() error {
	contacts, err := s.Contacts(s.ctx)
	if err != nil {
		return err
	}
	var open []string
	for _, p := range s.parcels {
		if !slices.ContainsFunc(contacts, func(c client.Contact) bool { return c.Name == p.to && c.State == client.Accepted }) {
			open = append(open, p.to)
		}
	}
	return s.heardFrom(client.Accepted, s.timeout, open...)
}

// all sends something to everybody that nothing has gone wrong with so far, waits
// until it has come as far as asked, and prints what became of it.
func (s *sending) all(queue func(to string) (client.Message, error)) error {
	var open []*parcel
	for _, p := range s.parcels {
		if p.err != nil {
			continue
		}
		*p = parcel{to: p.to}
		if p.m, p.err = queue(p.to); s.ctx.Err() != nil {
			break
		}
		open = append(open, p)
	}
	if s.wait != waitQueued && s.ctx.Err() == nil {
		s.arrive(open)
	}
	for _, p := range open {
		if err := s.print(p); err != nil {
			return err
		}
	}
	return s.ctx.Err()
}

// arrive waits until all have come as far as asked, or will not.
func (s *sending) arrive(open []*parcel) {
	first := true
	err := s.follow(s.timeout, func(events []client.Event) (bool, error) {
		told, status := events, first
		if first = false; len(events) == 0 && !status { // some were lost: look at all
			status, told = true, s.look(open)
		}
		for _, e := range told {
			status = status || e.Kind == client.StatusChanged
			if e.Message == nil {
				continue
			}
			for _, p := range open {
				if p.m.ID == e.Message.ID && e.Message.Outgoing() {
					s.moved(p, e)
				}
			}
		}
		if moving := slices.ContainsFunc(open, (*parcel).moves); !moving || !status {
			return !moving, nil
		}
		return s.status(func(client.Status) bool { return false })()
	})
	for _, p := range open {
		if !p.moves() || err == nil {
			continue
		}
		if p.err = err; errors.Is(err, client.ErrTimeout) && p.m.State == client.Stored {
			p.err = &client.Error{Code: client.CodeTimeout, Err: err, Text: fmt.Sprintf("The relay has it, but %s there to take it within %v. They get it when they are.", p.missing(), s.timeout)}
		}
	}
}

// missing says who was not there.
func (p *parcel) missing() string {
	if isGroup(p.to) {
		return "not everybody in " + p.to + " was"
	}
	return p.to + " was not"
}

// moves reports whether a parcel is still waited for.
func (p *parcel) moves() bool { return p.err == nil && !p.waited }

// look tells of all parcels as events would.
func (s *sending) look(open []*parcel) (events []client.Event) {
	for _, p := range open {
		if !p.moves() {
			continue
		}
		m, err := s.Message(s.ctx, p.m.ID)
		if p.err = err; err == nil {
			events = append(events, client.Event{Kind: client.MessageChanged, Message: &m})
		}
	}
	return events
}

// moved takes in what has become of a parcel.
func (s *sending) moved(p *parcel, e client.Event) {
	if e.Kind == client.MessageGone { // with the time of messages that disappear
		p.waited = true
		return
	}
	p.m = *e.Message
	switch p.m.State {
	case client.Failed:
		p.err = &client.Error{Code: client.CodeRefused, Text: "The message was not sent: " + p.m.Reason + "."}
	case client.Stored:
		p.waited = s.wait == waitStored
	case client.Delivered, client.Read:
		p.waited = true
	}
}

// print tells of a parcel. One that is late is told of, too: its id is how it is
// asked about.
func (s *sending) print(p *parcel) error {
	out := s.cmd.OutOrStdout()
	if p.m.Reason != "" && p.err == nil { // whom it does not reach of a group
		fmt.Fprintln(s.cmd.ErrOrStderr(), "warning:", p.m.Reason)
	}
	switch {
	case s.asJSON && p.m.ID != "":
		return printJSON(out, messageLine{schema, p.m, lineErrorOf(p.err)})
	case s.asJSON:
		return printJSON(out, unsentLine{schema, p.to, lineErrorOf(p.err)})
	case p.m.ID != "":
		_, err := fmt.Fprintln(out, p.m.ID)
		return err
	}
	return nil
}

// verdict is the error of the whole. With several recipients, what went wrong with
// each is a line of its own.
func (s *sending) verdict() error {
	var failed []*parcel
	for _, p := range s.parcels {
		if p.err != nil {
			failed = append(failed, p)
		}
	}
	if len(failed) == 0 || len(s.parcels) == 1 {
		return s.parcels[0].err
	}
	for _, p := range failed {
		fmt.Fprintf(s.cmd.ErrOrStderr(), "%s: %s\n", p.to, strings.ReplaceAll(p.err.Error(), "\n", " "))
	}
	if n := len(s.parcels) - len(failed); n > 0 {
		return &client.Error{Code: client.CodePartly, Text: fmt.Sprintf("Sent to %d of %d. Send it again to the others alone, when what stands above is mended; what is queued goes by itself.", n, len(s.parcels))}
	}
	e := &client.Error{Code: client.CodeInternal, Err: failed[0].err, Text: fmt.Sprintf("Sent to none of %d: see above.", len(s.parcels))}
	var known *client.Error
	if errors.As(failed[0].err, &known) {
		e.Code = known.Code
	}
	return e
}

// sendTo calls send with a parcel for each name.
func (c *call) sendTo(names []string, wait string, timeout time.Duration, asJSON bool, send func(*sending) error) error {
	s := &sending{call: c, wait: wait, timeout: timeout, asJSON: asJSON}
	for _, name := range names {
		s.parcels = append(s.parcels, &parcel{to: name})
	}
	err := s.heard()
	if err == nil {
		err = send(s)
	}
	if err != nil {
		return err
	}
	return s.verdict()
}

// replied gives what sends an answer to a message, in the conversation that it is in.
func (c *call) replied(to, reference, text string) (func(string) (client.Message, error), error) {
	cursor, err := c.cursorOf(reference)
	if err != nil {
		return nil, err
	}
	ms, err := c.History(c.ctx, client.Query{Before: cursor + 1, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(ms) == 0 || ms[0].Cursor != cursor {
		return nil, &client.Error{Code: client.CodeNotFound, Text: fmt.Sprintf("There is no message with the cursor %d here, or not any more. See what there is: chat history %s --json", cursor, to)}
	}
	if ms[0].Contact != to {
		return nil, wrongUsage(fmt.Sprintf("The message that --reply-to names is in the conversation with %s, not with %s. An answer goes where the message is.", ms[0].Contact, to))
	}
	return func(string) (client.Message, error) { return c.Reply(c.ctx, cursor, text) }, nil
}
