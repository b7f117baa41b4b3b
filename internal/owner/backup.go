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
		if c.Certificate.IsZero() && c.State != client.Blocked {
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
		past = func(f func(backup.Message) error) error { return a.past(account.Created, f) }
	}
	return backup.Write(w, code, account, contacts, groups, past)
}

// past hands on the whole history as of now, oldest first: without messages whose
// time has come and which nobody has deleted yet.
func (a *Account) past(now time.Time, f func(backup.Message) error) error {
	for after := int64(client.FromStart); ; {
		page, err := a.store.History(client.Query{After: after, Limit: client.MaxLimit})
		if err != nil {
			return err
		}
		for _, m := range page {
			after = m.Cursor
			if !m.GoneAt.IsZero() && !m.GoneAt.After(now) {
				continue
			}
			whole, err := a.store.Place(m.Cursor)
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
// the one before at the relay. As in Create, the profile is on the disk, with all
// that the backup has, before the relay hears of it; where no answer comes,
// [Account.Register] tries again.
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
	created, err := made(ctx, met, account)
	if err != nil {
		return nil, err
	}
	secret, err := r.Passphrase(ctx, name)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	keys, first, err := client.NewDevice(met, relay, *account.Key, name, created)
	if err != nil {
		return nil, err
	}
	store, err := profile.CreateFilled(ref, keys, first, secret, r.Cost, r.fill)
	if err != nil {
		return nil, err
	}
	a, err := adopt(store, ref)
	if err != nil {
		return nil, err
	}
	a.restored = true
	if err := a.Register(ctx); err != nil {
		err = errors.Join(err, a.Close(0))
		if errors.Is(err, client.ErrTaken) || errors.Is(err, client.ErrRefused) { // for good; the backup is still there
			err = errors.Join(err, profile.Remove(ref))
		}
		return nil, err
	}
	return a, nil
}

// made is when a new device of an account is made: now, or the second after
// another whose clock was ahead. The relay knows of one that was restored since
// the backup, and cannot invent one.
func made(ctx context.Context, server client.Server, account backup.Account) (time.Time, error) {
	before := account.Device.Created
	now, err := client.LookUp(ctx, server, account.Relay, string(account.Device.User))
	switch {
	case errors.Is(err, client.ErrNoUser): // it has lost the name, and takes it anew
	case err != nil:
		return time.Time{}, err
	case now.Account != account.Key.Public():
		return time.Time{}, &client.Error{Code: client.CodeTaken, Text: "Somebody else is called " + string(now.User) + " at " + server.Address() + " now. Ask its operator how that came about."}
	case now.Created.After(before):
		before = now.Created
	}
	if now := time.Now(); now.After(before.Add(time.Second)) {
		return now, nil
	}
	return before.Add(time.Second), nil
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
	var self crypto.Username
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
		Account: func(a backup.Account) error {
			self, ch.Settings = a.Device.User, &a.Settings
			return added()
		},
		Contact: func(c backup.Contact) error { ch.Contacts = append(ch.Contacts, restored(c)); return added() },
		Group: func(g backup.Group) error {
			ch.Groups = append(ch.Groups, regrouped(g, self))
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

// missedEpochs is how often the owner of a group may have changed it since a
// backup: members refuse an owner's word that has a number they have heard
// already, so what the restored owner says next goes on behind all of these.
const missedEpochs = 1 << 20

// regrouped is a group as the backup has it.
func regrouped(g backup.Group, self crypto.Username) client.GroupRecord {
	if g.Roster.Owner == self {
		g.Roster.Epoch += missedEpochs
	}
	return client.GroupRecord{Name: g.Name, State: g.State, Since: g.Since, Roster: g.Roster, Outside: g.Outside}
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

// Reconnect is that of the client. Only the owner of a profile can.
func (a *Account) Reconnect(ctx context.Context) (asked []string, err error) {
	return a.client.Reconnect(ctx)
}

// reconnectPause is how long a relay is left alone that did not answer, or wants
// to be asked less.
const reconnectPause = time.Minute

// finishRestoration asks those with whom a restoration was cut off, once the relay
// can be reached. Who cannot be asked is for their user to ask.
func (a *Account) finishRestoration(ctx context.Context) {
	var position uint64
	for client.Await(ctx, a.client, &position, a.connected) == nil {
		_, err := a.client.Reconnect(ctx)
		if !errors.Is(err, client.ErrUnreachable) && !errors.Is(err, client.ErrRateLimit) {
			return
		}
		select {
		case <-time.After(reconnectPause):
		case <-ctx.Done():
		}
	}
}

func (a *Account) connected([]client.Event) (bool, error) {
	s, err := a.client.Status(context.Background())
	return s.State == client.Connected, err
}
