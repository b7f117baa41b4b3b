package agent

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/creachadair/jrpc2"
	"golang.org/x/sync/semaphore"

	"secure-messaging/pkg/client"
)

// Limits of one line, in bytes.
const (
	// maxRequest holds a draft of the greatest length of which every byte is
	// escaped to six.
	maxRequest = 512 << 10
	// maxAnswer holds a page of the history or a batch of events. It is what
	// a process may have to hold for each call; a greater one would save
	// round trips that nobody notices.
	maxAnswer = 4 << 20
)

// writeTimeout cuts off a peer that does not read: one that hangs, or has
// been stopped, must not hold the other side's memory.
const writeTimeout = 10 * time.Second

// Parameters and results that are no types of package client.
type (
	hello struct {
		Version int `json:"version"`
	}
	afterParams struct {
		After string `json:"after,omitempty"`
	}
	contactsPage struct {
		Contacts []client.Contact `json:"contacts"`
		More     bool             `json:"more,omitempty"`
	}
	nameParams struct {
		Name string `json:"name"`
		Note string `json:"note,omitempty"`
	}
	trustParams struct {
		Name     string          `json:"name"`
		Decision client.Decision `json:"decision"`
		Number   string          `json:"number"`
	}
	sendParams struct {
		To   string `json:"to"`
		Text string `json:"text"`
	}
	aboutParams struct {
		Cursor int64  `json:"cursor"`
		Text   string `json:"text,omitempty"`
		Emoji  string `json:"emoji,omitempty"`
	}
	disappearParams struct {
		Contact string `json:"contact"`
		Seconds int64  `json:"seconds"`
	}
	typingParams struct {
		Contact string `json:"contact"`
	}
	viewsPage struct {
		Views []client.View `json:"views"`
		More  bool          `json:"more,omitempty"`
	}
	fileParams struct {
		To     string `json:"to,omitempty"`
		Cursor int64  `json:"cursor,omitempty"`
		Path   string `json:"path"`
		Text   string `json:"text,omitempty"`
	}
	groupParams struct {
		Name    string             `json:"name"`
		Members []string           `json:"members,omitempty"`
		Change  client.GroupChange `json:"change,omitzero"`
	}
	groupsPage struct {
		Groups []client.Group `json:"groups"`
		More   bool           `json:"more,omitempty"`
	}
	messageParams struct {
		ID string `json:"id"`
	}
	historyPage struct {
		Messages []client.Message `json:"messages"`
		More     bool             `json:"more,omitempty"`
	}
	consumerParams struct {
		Consumer string `json:"consumer"`
		Cursor   int64  `json:"cursor,omitempty"`
	}
	markReadParams struct {
		Contact string `json:"contact"`
		Cursor  int64  `json:"cursor"`
	}
	eventsParams struct {
		After uint64 `json:"after"`
	}
)

// codeAccount is the JSON-RPC code of an error that carries a client.Code.
const codeAccount jrpc2.Code = 1

type errorData struct {
	Code client.Code `json:"code"`
}

// toWire gives an error of the account the form that fromWire reads.
func toWire(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err // jrpc2 has codes for these
	}
	data := errorData{client.CodeInternal}
	var e *client.Error
	if errors.As(err, &e) {
		data.Code = e.Code
	}
	return (&jrpc2.Error{Code: codeAccount, Message: err.Error()}).WithData(data)
}

// lines is a jrpc2 channel of one object a line that bounds what it reads.
type lines struct {
	conn stream
	in   *bufio.Scanner
}

// stream is what lines need of a connection.
type stream interface {
	io.ReadWriteCloser
	SetWriteDeadline(time.Time) error
}

func newLines(conn stream, maxIn int) lines {
	in := bufio.NewScanner(conn)
	in.Buffer(nil, maxIn)
	return lines{conn, in}
}

var errLine = errors.New("the line is not UTF-8")

// Recv implements channel.Channel. Its error ends the connection.
func (l lines) Recv() ([]byte, error) {
	if !l.in.Scan() {
		if err := l.in.Err(); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	if !utf8.Valid(l.in.Bytes()) { // the JSON package would replace it silently
		return nil, errLine
	}
	return bytes.Clone(l.in.Bytes()), nil
}

// Send implements channel.Channel.
func (l lines) Send(line []byte) error {
	l.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := l.conn.Write(append(line, '\n'))
	return err
}

// Close implements channel.Channel.
func (l lines) Close() error { return l.conn.Close() }

// maxLines is how many lines of one connection may be under way: those that
// were read and not answered. More than a program with a screen needs, and
// twice what [Remote] uses, so that its cancels are read at once.
const maxLines = 64

// peer is the owner's end of a connection. jrpc2 would read and queue without
// bound, so every line takes a slot, which its answer gives back.
type peer struct {
	lines
	slots  *semaphore.Weighted
	ctx    context.Context // ends with the connection
	cancel context.CancelFunc

	nameless atomic.Bool // it sent a request without an id
}

// outlaw reports whether the peer sent a request that could not be answered.
func (p *peer) outlaw() bool { return p.nameless.Load() }

func newPeer(conn stream) *peer {
	p := &peer{lines: newLines(conn, maxRequest), slots: semaphore.NewWeighted(maxLines)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	return p
}

func (p *peer) Recv() ([]byte, error) {
	line, err := p.lines.Recv()
	if err != nil {
		return nil, err
	}
	if first := bytes.TrimLeft(line, " \t\r"); len(first) > 0 && first[0] == '[' {
		return nil, errors.New("a batch is refused") // one line could hold thousands of calls
	}
	if err := p.slots.Acquire(p.ctx, 1); err != nil {
		return nil, err
	}
	return line, nil
}

func (p *peer) Send(line []byte) error {
	defer p.slots.Release(1)
	return p.lines.Send(line)
}

func (p *peer) Close() error {
	p.cancel()
	return p.lines.Close()
}

// drain waits until everything that was read is answered, and lets nothing
// more in.
func (p *peer) drain(limit time.Duration) {
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	p.slots.Acquire(ctx, maxLines)
}

// ended is what a caller hears when the owner has left.
func ended() error {
	return &client.Error{Code: client.CodeBusy, Text: "The program that held this profile has ended. Run the command again."}
}

// lost is what a caller hears when the owner has left without an answer.
func lost() error {
	return &client.Error{Code: client.CodeBusy, Text: "The program that held this profile has ended before it answered. Look whether it has done this, and if not, run the command again."}
}

// silent is what a caller hears when the owner is there and does not answer.
func silent() error {
	return &client.Error{Code: client.CodeBusy, Text: "The chat that is running with this profile does not answer. Continue it if it was stopped, or end it if it hangs; then look whether it has done this before you run the command again."}
}

// otherVersion is what a caller hears when the owner speaks another version.
func otherVersion(theirs int) error {
	err := fmt.Errorf("the owner speaks version %d, this program version %d", theirs, Version)
	return &client.Error{Code: client.CodeBusy, Err: err, Text: "The chat that is running with this profile is of another version. Quit it first, then run the command again."}
}
