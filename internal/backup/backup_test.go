package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// sample is an account with something of everything.
func sample(t testing.TB, messages int) (Account, []Contact, []Group, func(func(Message) error) error) {
	t.Helper()
	account, device := crypto.NewAccountPrivate(), crypto.NewDevicePrivate()
	relay := crypto.NewRelayPrivate().Public()
	cert := func(key crypto.AccountPrivate, user string) crypto.Certificate {
		return crypto.NewCertificate(key, crypto.Certificate{
			Relay: relay, User: crypto.Username(user), Device: crypto.NewDeviceID(), Login: device.Public(), Box: crypto.NewBoxPrivate().Public(), Created: time.Unix(1_700_000_000, 0),
		})
	}
	a := Account{Created: time.Unix(1_700_000_000, 0).UTC(), Server: "wss://relay.example:8443", Relay: relay, Key: &account, Device: cert(account, "alice"), Settings: client.Settings{Receipts: true}}
	contacts := []Contact{{Name: "spam_bot", State: client.Blocked}, {Name: "bob", State: client.Accepted, Certificate: cert(crypto.NewAccountPrivate(), "bob"), Grade: client.Verified, Note: "<&\x00"}}
	members := []client.RosterMember{{Name: "alice", Fingerprint: account.Public().Fingerprint()}}
	groups := []Group{{Name: "+ops", State: client.Joined, Roster: client.Roster{ID: crypto.NewGroupID(), Name: "ops", Epoch: 3, Owner: "alice", Members: members}, Outside: map[string]uint64{"carol": 2}}}
	return a, contacts, groups, func(f func(Message) error) error {
		for i := range messages {
			m := Message{Message: client.Message{ID: fmt.Sprintf("%032x", i), Contact: "bob", From: "alice", Type: client.TypeText, Text: strings.Repeat("x", i%3000)}, Author: a.Device.Address()}
			if err := f(m); err != nil {
				return err
			}
		}
		return nil
	}
}

// collect reads a backup.
func collect(r io.Reader, code Code) (a Account, cs []Contact, gs []Group, ms []Message, err error) {
	err = Read(r, code, Reader{
		Account: func(x Account) error { a = x; return nil },
		Contact: func(x Contact) error { cs = append(cs, x); return nil },
		Group:   func(x Group) error { gs = append(gs, x); return nil },
		Message: func(x Message) error { ms = append(ms, x); return nil },
	})
	return a, cs, gs, ms, err
}

func TestRoundTrip(t *testing.T) {
	for _, messages := range []int{0, 1, 200} {
		account, contacts, groups, history := sample(t, messages)
		code := NewCode()
		var out bytes.Buffer
		if err := Write(&out, code, account, contacts, groups, history); err != nil {
			t.Fatal(err)
		}
		again, err := ParseCode(strings.ToUpper(strings.ReplaceAll(code.Show(), "-", " ")) + "\n")
		if err != nil {
			t.Fatal(err)
		}
		a, cs, gs, ms, err := collect(&out, again)
		if err != nil {
			t.Fatal(err)
		}
		if a.Key.Public() != account.Key.Public() || !reflect.DeepEqual(a.Settings, account.Settings) || a.Device.Hash() != account.Device.Hash() {
			t.Errorf("another account: %+v", a)
		}
		if len(cs) != 2 || !cs[0].Certificate.IsZero() || cs[1].Certificate.Hash() != contacts[1].Certificate.Hash() || cs[1].Note != contacts[1].Note || !reflect.DeepEqual(gs, groups) || len(ms) != messages {
			t.Errorf("%d contacts, %+v, %d messages", len(cs), gs, len(ms))
		}
	}
}

// A file that is another, cut off, longer or altered anywhere does not open, and
// a code with a typing error is told.
func TestAttackBackup(t *testing.T) {
	account, contacts, groups, history := sample(t, 60)
	code := NewCode()
	var out bytes.Buffer
	if err := Write(&out, code, account, contacts, groups, history); err != nil {
		t.Fatal(err)
	}
	whole := out.Bytes()
	refused := func(name string, b []byte, code Code) {
		t.Helper()
		if _, _, _, _, err := collect(bytes.NewReader(b), code); !errors.Is(err, client.ErrLocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
	refused("another code", whole, NewCode())
	refused("nothing", nil, code)
	refused("a newer version", bytes.Replace(whole, []byte("backup 1"), []byte("backup 2"), 1), code)
	refused("one byte more", append(bytes.Clone(whole), 0), code)
	for cut := 0; cut < len(whole); cut += max(len(whole)/97, 1) {
		refused(fmt.Sprint("cut off at ", cut), whole[:cut], code)
		flipped := bytes.Clone(whole)
		flipped[cut] ^= 1
		refused(fmt.Sprint("altered at ", cut), flipped, code)
	}
	for i := len(magic) + saltSize; i < len(magic)+saltSize+8; i++ {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 0x80
		refused(fmt.Sprint("another size, byte ", i), flipped, code)
	}

	text := code.Show()
	for i := range text {
		if text[i] == '-' {
			continue
		}
		typo := []byte(text)
		typo[i] = letters[(strings.IndexByte(letters, typo[i])+1)%len(letters)]
		c, err := ParseCode(string(typo))
		if err == nil { // one in a thousand is told by the backup
			refused("a typing error", whole, c)
		}
	}
	for _, bad := range []string{"", text[1:], text + "a", strings.Replace(text, text[:1], "1", 1), "é" + text[1:]} {
		if _, err := ParseCode(bad); !errors.Is(err, client.ErrUsage) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v", code, code, code); strings.Contains(shown, text[:4]) {
		t.Errorf("it prints %s", shown)
	}
}

// What opens is looked at, too: whoever knows the code may have written it.
func TestInside(t *testing.T) {
	account, contacts, groups, _ := sample(t, 0)
	other := crypto.NewAccountPrivate()
	elsewhere, _, _, _ := sample(t, 0)
	contact := func(change func(*Contact)) func(io.Writer) error {
		c := contacts[1]
		change(&c)
		return func(w io.Writer) error { return writeLines(w, account, []Contact{c}, nil, nil) }
	}
	group := func(change func(*Group)) func(io.Writer) error {
		g := groups[0]
		change(&g)
		return func(w io.Writer) error { return writeLines(w, account, nil, []Group{g}, nil) }
	}
	for name, write := range map[string]func(w io.Writer) error{
		"no key":        func(w io.Writer) error { a := account; a.Key = nil; return writeLines(w, a, nil, nil, nil) },
		"another's key": func(w io.Writer) error { a := account; a.Key = &other; return writeLines(w, a, nil, nil, nil) },
		"nothing":       func(w io.Writer) error { return nil },
		"no JSON":       func(w io.Writer) error { _, err := io.WriteString(w, "{\n"); return err },
		"no end": func(w io.Writer) error {
			return cutLast(w, func(w io.Writer) error { return writeLines(w, account, contacts, nil, nil) })
		},
		"a line of 2 MB": func(w io.Writer) error { _, err := io.WriteString(w, strings.Repeat("x", 2<<20)); return err },
		"two accounts": func(w io.Writer) error {
			return errors.Join(cutLast(w, func(w io.Writer) error { return writeLines(w, account, nil, nil, nil) }), writeLines(w, account, nil, nil, nil))
		},
		"something behind the end": func(w io.Writer) error {
			return errors.Join(writeLines(w, account, nil, nil, nil), writeLines(w, account, nil, nil, nil))
		},
		"a contact first": func(w io.Writer) error {
			_, err := io.WriteString(w, "{\"contact\":{\"name\":\"bob\",\"state\":\"blocked\"}}\n{\"end\":1}\n")
			return err
		},
		"another's certificate":             contact(func(c *Contact) { c.Name = "carol" }),
		"a contact of another relay":        contact(func(c *Contact) { c.Name, c.Certificate = "alice", elsewhere.Device }),
		"a contact of one's own key":        contact(func(c *Contact) { c.Certificate = account.Device }),
		"a contact without a key":           contact(func(c *Contact) { c.Certificate = crypto.Certificate{} }),
		"a contact in no state":             contact(func(c *Contact) { c.State = "friend" }),
		"a grade that there is not":         contact(func(c *Contact) { c.Grade = client.Changed }),
		"a group with the name of a person": group(func(g *Group) { g.Name = "bob" }),
		"a group without an owner":          group(func(g *Group) { g.Roster.Owner = "mallory" }),
		"a group in no state":               group(func(g *Group) { g.State = "" }),
	} {
		var text bytes.Buffer
		if err := write(&text); err != nil {
			t.Fatal(err)
		}
		err := readLines(&text, Reader{
			Account: func(Account) error { return nil }, Contact: func(Contact) error { return nil },
			Group: func(Group) error { return nil }, Message: func(Message) error { return nil },
		})
		if !errors.Is(err, client.ErrLocked) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// cutLast writes all lines but the last.
func cutLast(w io.Writer, write func(io.Writer) error) error {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return err
	}
	lines := strings.SplitAfter(text.String(), "\n")
	_, err := io.WriteString(w, strings.Join(lines[:len(lines)-2], ""))
	return err
}

func FuzzReadLines(f *testing.F) {
	account, contacts, groups, history := sample(f, 2)
	var text bytes.Buffer
	if err := writeLines(&text, account, contacts, groups, history); err != nil {
		f.Fatal(err)
	}
	f.Add(text.Bytes())
	f.Add([]byte("{\"end\":0}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		err := readLines(bytes.NewReader(b), Reader{
			Account: func(a Account) error {
				if n++; a.Key == nil {
					t.Error("an account without a key")
				}
				return nil
			},
			Contact: func(Contact) error { return nil }, Group: func(Group) error { return nil }, Message: func(Message) error { return nil },
		})
		if err == nil && n != 1 {
			t.Errorf("%d accounts", n)
		}
	})
}
