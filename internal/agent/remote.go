package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/creachadair/jrpc2"

	"secure-messaging/pkg/client"
)

var errAbsent = errors.New("no chat is running with this profile")

// Absent reports whether an error of [Dial] says that there is no owner: the
// socket does not exist, nobody listens on it, or whoever did has just left.
func Absent(err error) bool { return errors.Is(err, errAbsent) }

// helloTimeout is how long an owner may take to answer at all. One that lives
// answers in a millisecond; one that was stopped, never.
const helloTimeout = 5 * time.Second

// answerTimeout is how long an owner may take to answer a call that does not
// wait for something to happen. A look-up at a relay that stalls takes half of
// it; an owner that was stopped, for ever.
const answerTimeout = 30 * time.Second

// Remote is an account that another process owns. It implements
// client.Account. When the owner ends, calls under way fail; later ones go to
// the next owner, as soon as there is one.
type Remote struct {
	path string // of the socket

	mu     sync.Mutex // guards what follows
	rpc    *caller
	closed bool
}

var _ client.Account = (*Remote)(nil)

// Dial reaches the owner that serves the socket at path. Its error is one for
// which [Absent] is true if there is none, and a *client.Error if there is one
// that cannot be used.
func Dial(ctx context.Context, path string) (*Remote, error) {
	rpc, err := attach(ctx, path)
	if err != nil {
		return nil, err
	}
	return &Remote{path: path, rpc: rpc}, nil
}

// attach connects to an owner and compares versions.
func attach(ctx context.Context, path string) (*caller, error) {
	if err := checkSocket(path); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, dialError(ctx, err)
	}
	rpc := newCaller(conn)
	theirs, err := ask[hello](ctx, &Remote{rpc: rpc, closed: true}, "hello", hello{Version})
	switch {
	case errors.Is(err, client.ErrBusy):
		err = errAbsent // it left before it had answered
	case err != nil && ctx.Err() != nil:
		err = dialError(ctx, err)
	case err != nil || theirs.Version != Version:
		err = otherVersion(theirs.Version)
	default:
		return rpc, nil
	}
	rpc.Close()
	return nil, err
}

// attached gives the connection to the owner, a new one if that has ended.
func (r *Remote) attached(ctx context.Context) (*caller, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.rpc.done:
	default:
		return r.rpc, nil
	}
	if r.closed {
		return nil, errLost
	}
	rpc, err := attach(ctx, r.path)
	if Absent(err) {
		err = &client.Error{Code: client.CodeBusy, Err: err, Text: "The chat that had this profile open has ended. Open it again with chat, or run this command again."}
	}
	if err != nil {
		return nil, err
	}
	r.rpc = rpc
	return rpc, nil
}

// wsaeConnRefused is what Windows says when nobody listens.
const wsaeConnRefused = syscall.Errno(10061)

func dialError(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, wsaeConnRefused):
		return fmt.Errorf("%w: %w", errAbsent, err)
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	}
	return &client.Error{Code: client.CodeBusy, Err: err, Text: "The chat that is running with this profile does not answer. Quit it, or end it if it hangs, and run the command again."}
}

// checkSocket refuses a socket that another user has put there.
func checkSocket(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %w", errAbsent, err)
		}
		return &client.Error{Code: client.CodeStorage, Err: err, Text: "The folder of the profile cannot be read. Check whose it is: " + path}
	}
	if info.Mode()&fs.ModeSocket == 0 || !ownedByUs(info) {
		return &client.Error{Code: client.CodeStorage, Text: "There is something else where this profile's socket belongs, or it is another user's. Look at it, and remove it: " + path}
	}
	return nil
}

// Close ends the connection. Calls under way return.
func (r *Remote) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return r.rpc.Close()
}

// ask makes a call that does not wait for something to happen.
func ask[R any](ctx context.Context, r *Remote, method string, params any) (R, error) {
	within, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	result, err := wait[R](within, r, method, params)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		err = silent()
	}
	return result, err
}

// wait makes a call that may take as long as ctx lasts, and decodes its result.
func wait[R any](ctx context.Context, r *Remote, method string, params any) (R, error) {
	var result R
	rpc, err := r.attached(ctx)
	if err != nil {
		return result, fromWire(ctx, err)
	}
	answer, err := rpc.call(ctx, method, params)
	if err != nil {
		return result, fromWire(ctx, err)
	}
	if json.Unmarshal(answer, &result) != nil {
		err = &client.Error{Code: client.CodeInternal, Text: "The chat that is running with this profile gave an answer that cannot be read. Quit it, and run the command again."}
	}
	return result, err
}

// tell makes one call that has no result.
func tell(ctx context.Context, r *Remote, method string, params any) error {
	_, err := ask[any](ctx, r, method, params)
	return err
}

// fromWire gives an error the form that it had at the owner.
func fromWire(ctx context.Context, err error) error {
	var e *jrpc2.Error
	var known *client.Error
	switch {
	case errors.As(err, &known):
		return err
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errText):
		return &client.Error{Code: client.CodeUsage, Text: "The text is not valid UTF-8. Convert it first, for example with iconv."}
	case errors.Is(err, errTooLong):
		return &client.Error{Code: client.CodeUsage, Text: "The text is too long: at most 32 KiB go in one message. Split it."}
	case !errors.As(err, &e):
		return lost()
	case e.Code == codeAccount:
		data := errorData{client.CodeInternal}
		json.Unmarshal(e.Data, &data) // without a code it is an internal one
		return &client.Error{Code: data.Code, Text: e.Message}
	}
	return &client.Error{Code: client.CodeInternal, Err: e, Text: "The chat that is running with this profile did not understand this command. Quit it, and run the command again."}
}

// Identity implements client.Account.
func (r *Remote) Identity(ctx context.Context) (client.Identity, error) {
	return ask[client.Identity](ctx, r, "identity", none{})
}

// Status implements client.Account.
func (r *Remote) Status(ctx context.Context) (client.Status, error) {
	return ask[client.Status](ctx, r, "status", none{})
}

// Contacts implements client.Account.
func (r *Remote) Contacts(ctx context.Context) ([]client.Contact, error) {
	var all []client.Contact
	for after := ""; ; after = all[len(all)-1].Name {
		page, err := ask[contactsPage](ctx, r, "contacts", afterParams{after})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Contacts...)
		if !page.More || len(page.Contacts) == 0 {
			return all, nil
		}
	}
}

// Connect implements client.Account.
func (r *Remote) Connect(ctx context.Context, name, note string) (client.Contact, error) {
	return ask[client.Contact](ctx, r, "connect", nameParams{name, note})
}

// Accept implements client.Account.
func (r *Remote) Accept(ctx context.Context, name string) (client.Contact, error) {
	return ask[client.Contact](ctx, r, "accept", nameParams{Name: name})
}

// Reject implements client.Account.
func (r *Remote) Reject(ctx context.Context, name string) error {
	return tell(ctx, r, "reject", nameParams{Name: name})
}

// Block implements client.Account.
func (r *Remote) Block(ctx context.Context, name string) error {
	return tell(ctx, r, "block", nameParams{Name: name})
}

// Safety implements client.Account.
func (r *Remote) Safety(ctx context.Context, name string) (client.Safety, error) {
	return ask[client.Safety](ctx, r, "safety", nameParams{Name: name})
}

// Trust implements client.Account.
func (r *Remote) Trust(ctx context.Context, name string, decision client.Decision, number string) (client.Contact, error) {
	return ask[client.Contact](ctx, r, "trust", trustParams{name, decision, number})
}

// Send implements client.Account.
func (r *Remote) Send(ctx context.Context, to, text string) (client.Message, error) {
	return ask[client.Message](ctx, r, "send", sendParams{to, text})
}

// Message implements client.Account.
func (r *Remote) Message(ctx context.Context, id string) (client.Message, error) {
	return ask[client.Message](ctx, r, "message", messageParams{id})
}

// History implements client.Account.
func (r *Remote) History(ctx context.Context, q client.Query) ([]client.Message, error) {
	q.Limit = limit(q.Limit)
	var all []client.Message
	for {
		page, err := ask[historyPage](ctx, r, "history", q)
		if err != nil {
			return nil, err
		}
		forward := q.After != 0
		if forward {
			all = append(all, page.Messages...)
		} else {
			all = append(page.Messages, all...)
		}
		if !page.More || len(page.Messages) == 0 {
			return all, nil
		}
		q.Limit -= len(page.Messages)
		if forward {
			q.After = all[len(all)-1].Cursor
		} else {
			q.Before = all[0].Cursor
		}
	}
}

// MarkRead implements client.Account.
func (r *Remote) MarkRead(ctx context.Context, contact string, cursor int64) error {
	return tell(ctx, r, "mark_read", markReadParams{contact, cursor})
}

// Events implements client.Account.
func (r *Remote) Events(ctx context.Context, after uint64) (client.Batch, error) {
	if after == 0 {
		return ask[client.Batch](ctx, r, "events", eventsParams{after})
	}
	return wait[client.Batch](ctx, r, "events", eventsParams{after})
}
