// Package backup writes an account into a sealed file, and reads it again.
//
// What is in it makes another device of the same account: the account key, the
// relay, the pinned keys of contacts, groups, settings, and, if asked for, the
// history. The keys of the device and the state of sessions are never in it: two
// devices with one ratchet would seal two texts under one key.
//
// The file is
//
//	"chat backup 1\n"  salt (16 bytes)  size (8 bytes, big-endian)  sealed file
//
// where the sealed file is that of package crypto/file, of size bytes, under a key
// that comes from the recovery code, the salt and the size. Inside are JSON
// objects, one a line: the account first, then contacts, groups and messages, and
// at last how many there were.
package backup

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/file"
)

const (
	magic    = "chat backup 1\n"
	saltSize = 16
	// maxLine bounds a line, in bytes: a message of the greatest length of which
	// every byte is escaped to six, and what stands around it.
	maxLine = 1 << 20
	// maxSize bounds what is read: a hundred times the history of a busy decade.
	maxSize = 1 << 40
)

// Account is what makes another device of an account.
type Account struct {
	Created  time.Time              `json:"created"` // of the backup
	Server   string                 `json:"server"`  // as client.ParseServer reads it, with the pin
	Relay    crypto.RelayPublic     `json:"relay"`
	Key      *crypto.AccountPrivate `json:"key"`
	Device   crypto.Certificate     `json:"device"` // of the device that made the backup
	Settings client.Settings        `json:"settings"`
}

// whole reports whether the keys are there, and belong together.
func (a *Account) whole() bool {
	return a.Key != nil && !a.Device.IsZero() && a.Device.Relay == a.Relay && a.Device.Account == a.Key.Public()
}

// Contact is a contact whose key is pinned, or somebody who is blocked.
type Contact struct {
	Name        string              `json:"name"`
	State       client.ContactState `json:"state"`
	Certificate crypto.Certificate  `json:"certificate,omitzero"` // none of a stranger who is blocked
	Grade       client.Trust        `json:"grade"`
	Refused     crypto.Fingerprint  `json:"refused,omitempty"`
	Note        string              `json:"note,omitempty"`
	Disappear   int                 `json:"disappear,omitempty"`
}

// whole reports whether it can be a contact of the account.
func (c *Contact) whole(a *Account) bool {
	name, err := crypto.ParseUsername(c.Name)
	switch {
	case err != nil || name == a.Device.User:
		return false
	case c.Certificate.IsZero():
		return c.State == client.Blocked
	}
	return c.Certificate.User == name && c.Certificate.Relay == a.Relay && c.Certificate.Account != a.Device.Account &&
		slices.Contains([]client.ContactState{client.Accepted, client.Blocked, client.Incoming, client.Known, client.Requested}, c.State) &&
		slices.Contains([]client.Trust{client.Pinned, client.Verified}, c.Grade)
}

// Group is a group, as its owner has said it last.
type Group struct {
	Name    string            `json:"name"`
	State   client.GroupState `json:"state"`
	Since   time.Time         `json:"since"`
	Roster  client.Roster     `json:"roster"`
	Outside map[string]uint64 `json:"outside,omitempty"`
}

// whole reports whether it can be a group of an account.
func (g *Group) whole() bool {
	switch g.State {
	case client.Joined, client.Left:
		return strings.HasPrefix(g.Name, client.GroupSign) && g.Roster.Valid()
	}
	return g.State == client.Unknown && strings.HasPrefix(g.Name, client.GroupSign)
}

// Message is a message of the history.
type Message struct {
	client.Message
	Author crypto.Address `json:"author"`
	Sealed *Sealed        `json:"sealed,omitempty"`
}

// Sealed is what opens the file of a message.
type Sealed struct {
	Blob   crypto.FileID `json:"blob"`
	Key    file.Key      `json:"key"`
	Digest string        `json:"digest"` // base64url
}

// line is one line of a backup. Exactly one of its fields is set.
type line struct {
	Account *Account `json:"account,omitempty"`
	Contact *Contact `json:"contact,omitempty"`
	Group   *Group   `json:"group,omitempty"`
	Message *Message `json:"message,omitempty"`
	End     *int     `json:"end,omitempty"` // lines before it
}

// Write seals a backup of an account under code. A history of nil is none; each
// is called twice and has to say the same both times.
func Write(w io.Writer, code Code, account Account, contacts []Contact, groups []Group, history func(func(Message) error) error) error {
	all := func(w io.Writer) error { return writeLines(w, account, contacts, groups, history) }
	var size counting
	if err := all(&size); err != nil {
		return err
	}
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails since Go 1.24
	head := append([]byte(magic), salt...)
	if _, err := w.Write(binary.BigEndian.AppendUint64(head, uint64(size))); err != nil {
		return err
	}
	in, out := io.Pipe()
	ended := make(chan struct{})
	go func() { defer close(ended); out.CloseWithError(all(out)) }()
	defer func() { in.Close(); <-ended }() // the history may be closed behind us
	return file.Seal(w, in, int64(size), code.key(salt, int64(size)))
}

// counting counts what is written.
type counting int64

func (c *counting) Write(p []byte) (int, error) {
	*c += counting(len(p))
	return len(p), nil
}

func writeLines(w io.Writer, account Account, contacts []Contact, groups []Group, history func(func(Message) error) error) error {
	out := bufio.NewWriter(w)
	n := 0
	put := func(l line) error {
		b, err := json.Marshal(l)
		if err != nil {
			return err
		}
		defer clear(b)
		n++
		_, err = out.Write(append(b, '\n'))
		return err
	}
	if err := put(line{Account: &account}); err != nil {
		return err
	}
	for i := range contacts {
		if err := put(line{Contact: &contacts[i]}); err != nil {
			return err
		}
	}
	for i := range groups {
		if err := put(line{Group: &groups[i]}); err != nil {
			return err
		}
	}
	if history != nil {
		if err := history(func(m Message) error { return put(line{Message: &m}) }); err != nil {
			return err
		}
	}
	total := n
	if err := put(line{End: &total}); err != nil {
		return err
	}
	return out.Flush()
}

// Reader is called with what is in a backup, in its order. An error of its
// functions ends the reading.
type Reader struct {
	Account func(Account) error // first, and once
	Contact func(Contact) error
	Group   func(Group) error
	Message func(Message) error
}

// Read opens a backup. What it hands on is not to be kept before it has returned
// nil: until then the file may be cut off, or another.
func Read(r io.Reader, code Code, to Reader) error {
	head := make([]byte, len(magic)+saltSize+8)
	if _, err := io.ReadFull(r, head); err != nil || !bytes.HasPrefix(head, []byte(magic[:len(magic)-2])) {
		return damaged("This is no backup of chat.")
	}
	if !bytes.HasPrefix(head, []byte(magic)) {
		return damaged("This backup is of a newer version of chat. Update chat, then restore it.")
	}
	salt, size := head[len(magic):len(magic)+saltSize], binary.BigEndian.Uint64(head[len(magic)+saltSize:])
	if size == 0 || size > maxSize {
		return errOpen
	}
	in, out := io.Pipe()
	opened := make(chan error, 1)
	go func() {
		err := file.Open(out, r, int64(size), code.key(salt, int64(size)))
		out.CloseWithError(err)
		opened <- err
	}()
	err := readLines(in, to)
	in.CloseWithError(err)
	switch openErr := <-opened; {
	case errors.Is(openErr, file.ErrOpen):
		return errOpen
	case err == nil:
		return openErr
	}
	return err
}

var errOpen = damaged("The recovery code is not that of this backup, or the file is damaged. Compare the code, and try another copy of the file.")

func damaged(text string) error { return &client.Error{Code: client.CodeLocked, Text: text} }

// readLines reads the lines, up to their end and no further.
func readLines(r io.Reader, to Reader) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, maxLine)
	var account *Account
	for n := 0; in.Scan(); n++ {
		var l line
		if json.Unmarshal(in.Bytes(), &l) != nil { // its error would quote what was sealed
			return errInside
		}
		var err error
		switch {
		case (l.Account != nil) != (n == 0):
			return errInside
		case l.Account != nil:
			account = l.Account
			if !account.whole() {
				return errInside
			}
			err = to.Account(*account)
		case l.Contact != nil && !l.Contact.whole(account), l.Group != nil && !l.Group.whole():
			return errInside
		case l.Contact != nil:
			err = to.Contact(*l.Contact)
		case l.Group != nil:
			err = to.Group(*l.Group)
		case l.Message != nil:
			err = to.Message(*l.Message)
		case l.End != nil && *l.End == n:
			if in.Scan() {
				return errInside
			}
			return in.Err()
		default:
			return errInside
		}
		if err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil && !errors.Is(err, bufio.ErrTooLong) {
		return err
	}
	return errInside
}

var errInside = damaged("The backup opens, and what is in it is not whole. That is a fault of the chat that made it.")
