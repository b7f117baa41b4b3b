package stage

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// step is how many messages or contacts are written together.
const step = 2000

// talk is what people say, of the lengths that they say it in.
var talk = []string{
	"ok",
	"on it",
	"did you see the build?",
	"the second disk of the mirror is gone again, I have ordered another one",
	"yes. It was the cache: the key had the wrong prefix since Tuesday, so nothing was ever found in it and everything went to the database",
	"日本のチームにも伝えてください 🙏",
	"look at https://build.example/logs/2741?view=raw before the meeting",
	"then like this:\n\n    ./migrate --from 41 --to 42 \\\n        --dry-run",
	"👍",
	"I will be there at ten, and bring the numbers of last week so that we can see whether it has become any better at all",
}

// Numbered is the text of the nth message of a past, which says its number.
func Numbered(n int) string { return fmt.Sprintf("no. %06d %s", n, talk[n%len(talk)]) }

// Past writes n messages with a contact into a profile, the latest of them a
// minute old, by the two in turn.
func Past(store *profile.Store, contact string, n int) error {
	loaded, err := store.Load()
	if err != nil {
		return err
	}
	us, them := loaded.Keys.Certificate.Address(), crypto.Address{}
	for _, c := range loaded.Contacts {
		if c.Name == contact {
			them = c.Certificate.Address()
		}
	}
	if them.User == "" {
		return errors.New("there is no contact " + contact)
	}
	const every = 9 * time.Minute
	began := time.Now().Add(-time.Minute - time.Duration(n)*every)
	for from := 1; from <= n; from += step {
		var ch client.Changes
		for i := from; i < from+step && i <= n; i++ {
			at := began.Add(time.Duration(i) * every)
			m := client.NewMessage{Author: them, Message: client.Message{
				ID: crypto.NewMessageID().String(), Contact: contact, From: contact, Type: client.TypeText,
				Text: Numbered(i), SentAt: at, At: at, State: client.Received,
			}}
			if i/3%2 == 0 { // a few of one, then a few of the other
				m.Author, m.From, m.State = us, string(us.User), client.Delivered
			}
			ch.Messages = append(ch.Messages, m)
		}
		if err := store.Commit(&ch); err != nil {
			return err
		}
	}
	return nil
}

// Crowd writes n accepted contacts into a profile, of whom the relay knows
// nothing. Each has said one thing.
func Crowd(store *profile.Store, n int) error {
	loaded, err := store.Load()
	if err != nil {
		return err
	}
	for from := 0; from < n; from += step {
		var ch client.Changes
		for i := from; i < from+step && i < n; i++ {
			at := time.Now().Add(-time.Duration(n-i) * time.Hour)
			name := Member(i)
			keys, _, err := client.NewKeys(loaded.Keys.Server, loaded.Keys.Relay, name, at)
			if err != nil {
				return err
			}
			ch.Contacts = append(ch.Contacts, client.ContactRecord{
				Contact:     client.Contact{Name: name, State: client.Accepted, Fingerprint: string(keys.Certificate.Account.Fingerprint()), Trust: client.Pinned, Since: at},
				Certificate: keys.Certificate, Grade: client.Pinned, RequestID: crypto.NewMessageID(),
			})
			ch.Messages = append(ch.Messages, client.NewMessage{Author: keys.Certificate.Address(), Message: client.Message{
				ID: crypto.NewMessageID().String(), Contact: name, From: name, Type: client.TypeText,
				Text: strings.ToUpper(name[:1]) + name[1:] + " here", SentAt: at, At: at, State: client.Received,
			}})
		}
		if err := store.Commit(&ch); err != nil {
			return err
		}
	}
	return nil
}

// Member is the name of the ith of a crowd.
func Member(i int) string { return fmt.Sprintf("member_%05d", i) }
