package client

import (
	"context"
	"fmt"
	"time"

	"secure-messaging/pkg/crypto"
	e2e "secure-messaging/pkg/crypto/session"
	"secure-messaging/pkg/protocol"
)

// fetchTimeout is how long an answer about a person's keys may take, a
// connection that has to come about included.
const fetchTimeout = 15 * time.Second

// ask is a question to the relay that one caller waits for. Nothing of it is
// stored: when the connection ends, its caller is told.
type ask struct {
	frame  []byte
	asked  bool                // guarded by Client.mu
	answer chan protocol.Frame // holds one: *protocol.Prekeys or *protocol.Error
	failed chan error          // holds one
}

// fetch asks the relay for what a handshake with a person needs, and checks
// what can be checked without knowing the person.
func (c *Client) fetch(ctx context.Context, name crypto.Username) (*e2e.Bundle, error) {
	id := crypto.NewMessageID()
	a := &ask{
		frame:  protocol.Encode(&protocol.FetchPrekeys{ID: id, Target: name}),
		answer: make(chan protocol.Frame, 1), failed: make(chan error, 1),
	}
	c.mu.Lock()
	if c.status.Fatal || c.status.State == Offline && c.status.Code == CodeRateLimit { // nothing brings the next try forward
		defer c.mu.Unlock()
		return nil, offlineError(c.status)
	}
	c.asks[id] = a
	c.mu.Unlock()
	c.signal()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.asks, id)
	}()
	select {
	case f := <-a.answer:
		return c.session.keys.bundle(name, f)
	case err := <-a.failed:
		return nil, err
	case <-time.After(fetchTimeout):
		return nil, &Error{Code: CodeUnreachable, Text: fmt.Sprintf("The relay at %s does not answer. Try again.", c.session.keys.Server.Address())}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func offlineError(s Status) error {
	code := s.Code
	if code == "" {
		code = CodeUnreachable
	}
	return &Error{Code: code, Text: s.Reason}
}

// answered hands the relay's answer to the caller that has asked; false if
// nobody has.
func (c *Client) answered(f protocol.Frame) bool {
	var id crypto.MessageID
	switch f := f.(type) {
	case *protocol.Prekeys:
		id = f.ID
	case *protocol.Error:
		if f.ID == nil {
			return false
		}
		id = *f.ID
	default:
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.asks[id]
	if ok {
		delete(c.asks, id)
		a.answer <- f
	}
	_, late := f.(*protocol.Prekeys)
	return ok || late
}

// failAsks tells everybody who waits why no answer will come. The caller holds
// mu.
func (c *Client) failAsks(why error) {
	for id, a := range c.asks {
		delete(c.asks, id)
		a.failed <- why
	}
}

// unasked gives the writer what is to be asked.
func (c *Client) unasked() (frames [][]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.asks {
		if !a.asked {
			a.asked = true
			frames = append(frames, a.frame)
		}
	}
	return frames
}

// bundle checks an answer to a question about a person.
func (k Keys) bundle(name crypto.Username, answer protocol.Frame) (*e2e.Bundle, error) {
	if f, ok := answer.(*protocol.Error); ok {
		switch {
		case f.Code == protocol.CodeUnknownUser:
			return nil, &Error{Code: CodeNoUser, Text: fmt.Sprintf("Nobody is called %s at %s. Names are exact: ask them for theirs.", name, k.Server.Address())}
		case f.Code == protocol.CodeNoPrekeys:
			return nil, noSession(e2e.ErrVersion, string(name))
		case f.Code == protocol.CodeRateLimited:
			wish := slowFrame(f.RetryAfter)
			return nil, &Error{Code: CodeRateLimit, Err: wish, Text: fmt.Sprintf("The relay lets this device look up only so many people. Try again %s.", wish.when())}
		case f.Code.Temporary():
			return nil, &Error{Code: CodeUnreachable, Text: "The relay at " + k.Server.Address() + " cannot look anybody up at the moment. Try again later, or tell its operator."}
		}
		return nil, &Error{Code: CodeRefused, Text: fmt.Sprintf("The relay does not give the keys of %s (%s). Ask its operator.", name, printable(string(f.Code)))}
	}
	f := answer.(*protocol.Prekeys)
	b := &e2e.Bundle{Certificate: f.Certificate}
	signed, err := crypto.ParsePrekey(f.Signed, f.Certificate)
	ok := err == nil && signed.Kind == crypto.PrekeySigned && f.Certificate.User == name && f.Certificate.Relay == k.Relay
	b.Signed = signed
	if len(f.OneTime) > 0 {
		b.OneTime, err = crypto.ParsePrekey(f.OneTime, f.Certificate)
		ok = ok && err == nil && b.OneTime.Kind == crypto.PrekeyOneTime
	}
	if !ok {
		return nil, &Error{Code: CodeKeyChanged, Text: fmt.Sprintf("The relay answered with keys that are not %s's. Do not use this relay before its operator has explained it.", name)}
	}
	return b, nil
}
