package owner

import (
	"context"
	"errors"
	"io"
	"time"

	"secure-messaging/internal/backup"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

// Backup writes the account into a sealed file: without the keys of this device
// and its sessions, which a copy must not have. Only the owner of a profile can,
// before it has started it.
func (a *Account) Backup(w io.Writer, code backup.Code, history bool) error {
	if !a.Owned {
		return &client.Error{Code: client.CodeBusy, Text: "Another chat has " + a.Ref.Name + " open, and the account's key stays with it. Quit it first (an agent: chat agent stop), then make the backup."}
	}
	l, err := a.store.Load()
	if err != nil {
		return err
	}
	account := backup.Account{
		Created: time.Now(), Server: l.Keys.Server.String(), Relay: l.Keys.Relay, Key: &l.Keys.Account, Device: l.Keys.Certificate, Settings: l.Settings,
	}
	var contacts []backup.Contact
	for _, c := range l.Contacts {
		if c.Certificate.IsZero() {
			continue // nobody whom anything is known of
		}
		contacts = append(contacts, backup.Contact{
			Name: c.Name, State: c.State, Certificate: c.Certificate, Grade: c.Grade, Refused: c.Refused, Note: c.Note, Disappear: c.Disappear,
		})
	}
	var groups []backup.Group
	for _, g := range l.Groups {
		groups = append(groups, backup.Group{Name: g.Name, State: g.State, Since: g.Since, Roster: g.Roster, Outside: g.Outside})
	}
	var past func(func(backup.Message) error) error
	if history {
		past = a.past
	}
	return backup.Write(w, code, account, contacts, groups, past)
}

// past hands on the whole history, oldest first.
func (a *Account) past(f func(backup.Message) error) error {
	for after := int64(client.FromStart); ; {
		page, err := a.store.History(client.Query{After: after, Limit: client.MaxLimit})
		if err != nil {
			return err
		}
		for _, m := range page {
			after = m.Cursor
			whole, err := a.store.Place(m.Cursor)
			if errors.Is(err, client.ErrNotFound) {
				continue // its time has come meanwhile
			}
			if err != nil {
				return err
			}
			saved := backup.Message{Message: whole.Message, Author: whole.Author}
			if whole.File != nil {
				f := *whole.File
				f.Done, f.Saved = 0, "" // of this machine
				saved.File = &f
			}
			if s := whole.Sealed; s != nil {
				saved.Sealed = &backup.Sealed{Blob: s.Blob, Key: s.Key, Digest: crypto.Base64(s.Digest[:])}
			}
			if err := f(saved); err != nil {
				return err
			}
		}
		if len(page) < client.MaxLimit {
			return nil
		}
	}
}

// Restoration is how an account comes back from a backup.
type Restoration struct {
	File io.ReadSeeker
	Code backup.Code
	// Server, where it is given, takes the place of the relay's address in the
	// backup; its key has to be the same.
	Server *client.Server

	// Passphrase gives that of the new profile, which is cleared after use.
	Passphrase func(ctx context.Context, name string) ([]byte, error)
	Cost       keyfile.Cost
	Place      func(name string, server client.Server) (profile.Ref, error)
}

// Restore makes a new device of the account of a backup, which takes the place of
// the one before at the relay. As in Create, the profile is on the disk before the
// relay hears of it; where registering fails, [Account.Register] tries again.
func Restore(ctx context.Context, r Restoration) (*Account, error) {
	account, err := r.whole()
	if err != nil {
		return nil, err
	}
	server, err := client.ParseServer(account.Server)
	if err != nil {
		return nil, err
	}
	if r.Server != nil {
		pin := server.Pin
		server = *r.Server
		server.Pin = pin
	}
	name := string(account.Device.User)
	ref, err := r.Place(name, server)
	if err != nil {
		return nil, err
	}
	if ref.Exists() {
		return nil, &client.Error{Code: client.CodeUsage, Text: "There is a profile of " + name + " at " + server.Address() + " on this machine already. A backup is not restored over it. Open it with: chat login " + name}
	}
	met, relay, err := client.Meet(ctx, server)
	if err != nil {
		return nil, err
	}
	if relay != account.Relay {
		return nil, &client.Error{Code: client.CodeKeyChanged, Text: "The relay at " + server.Address() + " has another key than the one of the backup. The account is at home at that one alone: ask its operator."}
	}
	secret, err := r.Passphrase(ctx, name)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	keys, first, err := client.NewDevice(met, relay, *account.Key, name, later(account.Device.Created))
	if err != nil {
		return nil, err
	}
	store, err := profile.Create(ref, keys, first, secret, r.Cost)
	if err != nil {
		return nil, err
	}
	if err := r.fill(store); err != nil {
		return nil, errors.Join(err, store.Close(), profile.Remove(ref))
	}
	a, err := adopt(store, ref)
	if err != nil {
		return nil, err
	}
	if err := a.Register(ctx); err != nil {
		return nil, errors.Join(err, a.Close(0))
	}
	return a, nil
}

// later is now, or the second after another device was made whose clock was ahead.
func later(before time.Time) time.Time {
	if now := time.Now(); now.After(before.Add(time.Second)) {
		return now
	}
	return before.Add(time.Second)
}

// whole reads the backup to its end, for nothing of one that is not whole counts,
// and returns its account.
func (r *Restoration) whole() (account backup.Account, err error) {
	if _, err := r.File.Seek(0, io.SeekStart); err != nil {
		return account, err
	}
	err = backup.Read(r.File, r.Code, backup.Reader{
		Account: func(a backup.Account) error { account = a; return nil },
		Contact: func(backup.Contact) error { return nil },
		Group:   func(backup.Group) error { return nil },
		Message: func(backup.Message) error { return nil },
	})
	return account, err
}

// fillBatch is how many lines are written in one transaction.
const fillBatch = 500

// fill puts what the backup has into a new profile.
func (r *Restoration) fill(store *profile.Store) error {
	if _, err := r.File.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var ch client.Changes
	n := 0
	commit := func() error {
		err := store.Commit(&ch)
		ch, n = client.Changes{}, 0
		return err
	}
	added := func() error {
		if n++; n < fillBatch {
			return nil
		}
		return commit()
	}
	err := backup.Read(r.File, r.Code, backup.Reader{
		Account: func(a backup.Account) error { ch.Settings = &a.Settings; return added() },
		Contact: func(c backup.Contact) error { ch.Contacts = append(ch.Contacts, restored(c)); return added() },
		Group: func(g backup.Group) error {
			ch.Groups = append(ch.Groups, client.GroupRecord{Name: g.Name, State: g.State, Since: g.Since, Roster: g.Roster, Outside: g.Outside})
			return added()
		},
		Message: func(m backup.Message) error {
			if err := recall(&ch, m); err != nil {
				return err
			}
			return added()
		},
	})
	if err != nil {
		return err
	}
	return commit()
}

// restored is a contact without a session. Nothing that they seal now may touch
// what was said before, so the relation begins with the new device.
func restored(c backup.Contact) client.ContactRecord {
	r := client.ContactRecord{Certificate: c.Certificate, Grade: c.Grade, Refused: c.Refused}
	r.Name, r.State, r.Since, r.Note, r.Disappear = c.Name, c.State, time.Now(), c.Note, c.Disappear
	if c.State == client.Requested || c.State == client.Incoming { // the request is gone with the device
		r.State, r.Note = client.Known, ""
	}
	return r
}

// recall adds a message of the past.
func recall(ch *client.Changes, m backup.Message) error {
	var id crypto.MessageID
	if err := id.UnmarshalText([]byte(m.ID)); err != nil {
		return &client.Error{Code: client.CodeLocked, Text: "The backup opens, and a message in it has no id. That is a fault of the chat that made it."}
	}
	added := client.NewMessage{Message: m.Message, Author: m.Author}
	if m.State == client.Waiting {
		added.State, added.Reason = client.Failed, "it had not left when the backup was made"
	}
	if m.Sealed != nil {
		digest, err := crypto.FromBase64(m.Sealed.Digest)
		f := client.SealedFile{Blob: m.Sealed.Blob, Key: m.Sealed.Key}
		if copy(f.Digest[:], digest) != len(f.Digest) || err != nil || m.Sealed.Key.IsZero() || m.File == nil {
			return &client.Error{Code: client.CodeLocked, Text: "The backup opens, and a file in it has no key. That is a fault of the chat that made it."}
		}
		added.Sealed = &f
	}
	ch.Messages = append(ch.Messages, added)
	if m.Edited || m.Deleted {
		ch.Rewrites = append(ch.Rewrites, client.Rewrite{Author: m.Author, ID: id, Text: m.Text, Deleted: m.Deleted})
	}
	for _, r := range m.Reactions {
		ch.Reacts = append(ch.Reacts, client.React{Author: m.Author, ID: id, By: crypto.Username(r.From), Emoji: r.Emoji, At: m.At})
	}
	return nil
}

// Reconnect asks every contact whose session is gone, as after a restoration, for
// a new one. They accept by themselves. It returns whom it has asked, and the first
// error of one that could not be.
func (a *Account) Reconnect(ctx context.Context) (asked []string, err error) {
	contacts, err := a.Contacts(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range contacts {
		if c.State != client.Accepted {
			continue
		}
		if _, connErr := a.Connect(ctx, c.Name, ""); connErr != nil {
			err = errors.Join(err, connErr)
			continue
		}
		asked = append(asked, c.Name)
	}
	return asked, err
}
