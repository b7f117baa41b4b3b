package tui

import (
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/key"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"secure-messaging/internal/qr"
	"secure-messaging/pkg/client"
)

const (
	// pause is how long no key may have come before one decides about a
	// contact's key: what is still being typed was meant for something else.
	pause = 600 * time.Millisecond

	// proof is how many digits of a new number are typed to take its key: one
	// group, too many to come about by accident.
	proof = 5
)

// verify shows the safety number of a contact and takes what its reader
// decides after comparing it. Each decision names the number that was on
// screen. There is none about a number that did not fit.
type verify struct {
	keys      *keyMap
	name, own string
	ascii     bool

	safety  client.Safety
	code    []string // the lines of the QR code; nil for none
	read    bool     // safety is there
	reading bool     // it is on its way
	stale   bool     // it may be another by now

	hush  time.Time // until then no key decides
	typed textinput.Model
	wrong bool // what was typed is not what was asked for
	whole bool // all that is decided about was on screen, as of the last render
}

func newVerify(keys *keyMap, name, own string, ascii bool) *verify {
	d := &verify{
		keys: keys, name: name, own: own, ascii: ascii, stale: true,
		typed: field("The last five digits that differ, of the new number: ", "", proof),
	}
	d.typed.Focus()
	return d
}

// take takes in what the account says. Another number than the one that was on
// screen has to be looked at first.
func (d *verify) take(f client.Safety) {
	d.reading = false
	if d.read && f == d.safety {
		return
	}
	d.read, d.safety, d.code, d.wrong = true, f, nil, false
	d.hush = time.Now().Add(pause)
	d.typed.Reset()
	if !d.ascii && f.Trust != client.Changed {
		d.code, _ = qr.Lines(f.QR) // what is no code is not drawn; the number says the same
	}
}

func (d *verify) press(k tea.KeyPressMsg) (action, bool) {
	now := time.Now()
	switch {
	case key.Matches(k, d.keys.Close):
		return nil, true
	case now.Before(d.hush):
		d.hush = now.Add(pause)
	case !d.read || !d.whole:
	case d.safety.Trust == client.Changed:
		return d.pressChanged(k)
	case d.safety.Trust == client.Pinned && k.Text == "m":
		return d.decide(client.MarkVerified, d.safety.Number), true
	case d.safety.Trust == client.Verified && k.Text == "u":
		return d.decide(client.MarkPinned, d.safety.Number), true
	}
	return nil, false
}

// pressChanged takes the keys that decide between two keys of a contact.
func (d *verify) pressChanged(k tea.KeyPressMsg) (action, bool) {
	switch typed := d.typed.Value(); {
	case k.Text == "k":
		return d.decide(client.KeepKey, d.safety.Number), true
	case key.Matches(k, d.keys.Choose) && len(typed) == proof && typed == differing(d.safety.Number, d.safety.Offered):
		return d.decide(client.TakeKey, d.safety.Offered), true
	case key.Matches(k, d.keys.Choose):
		d.wrong = typed != ""
		d.typed.Reset()
	case k.Text == "" || strings.Trim(k.Text, "0123456789") == "":
		d.wrong = false
		d.typed, _ = d.typed.Update(k)
	}
	return nil, false
}

func (d *verify) decide(decision client.Decision, number string) action {
	name := d.name
	return func(m *model) tea.Cmd { return m.jobs.trust(name, decision, number) }
}

// paste takes nothing: a number that is pasted was not compared.
func (d *verify) paste(string) {}

func (d *verify) hints() []key.Binding {
	var hints []key.Binding
	switch {
	case !d.read:
	case d.safety.Trust == client.Pinned:
		hints = append(hints, bind("m", "mark verified", "m"))
	case d.safety.Trust == client.Verified:
		hints = append(hints, bind("u", "take the mark back", "u"))
	case d.safety.Trust == client.Changed:
		hints = append(hints, bind("k", "keep the old key", "k"), bind("digits, enter", "take the new key", "enter"))
	}
	return append(hints, d.keys.Close)
}

// differing is the last group of a new number that the old one does not have at
// its place: half of the digits are the reader's own, and the same in both.
func differing(old, number string) (last string) {
	known := fives(old)
	for i, g := range fives(number) {
		if i >= len(known) || known[i] != g {
			last = g
		}
	}
	return last
}

// fives cuts a number into groups of five digits, as it is read out.
func fives(number string) []string {
	var out []string
	for g := range slices.Chunk([]rune(number), 5) {
		out = append(out, string(g))
	}
	return out
}

// verifying returns the dialog when it is open, or nil.
func (m *model) verifying() *verify {
	d, _ := m.dialog.(*verify)
	return d
}

func (m *model) commandVerify(name string) (tea.Cmd, string) {
	if name == "" {
		name = m.current
	}
	if name == "" || isGroup(name) {
		return nil, "Verify whom? /verify NAME"
	}
	m.show(newVerify(&m.keys, strings.ToLower(name), m.identity.Username, m.opts.ASCII))
	return nil, ""
}

// lookAgain notes that something has happened to a contact, or to any with "".
func (m *model) lookAgain(name string) {
	if d := m.verifying(); d != nil && (name == "" || name == d.name) {
		d.stale = true
	}
}

// readSafety asks for the number of the dialog when it may be another by now.
func (m *model) readSafety() tea.Cmd {
	d := m.verifying()
	if d == nil || !d.stale || d.reading {
		return nil
	}
	d.stale, d.reading = false, true
	return m.jobs.safety(d.name)
}

// safetyRead takes the number to compare.
func (m *model) safetyRead(s safetyRead) {
	d := m.verifying()
	switch {
	case d == nil || d.name != s.name: // closed meanwhile
	case s.err != nil:
		m.dialog = nil
		m.comeBack("/verify "+s.name, s.err)
	default:
		d.take(s.safety)
	}
}

// decided takes the outcome of a decision about a contact's key.
func (m *model) decided(d decided) {
	name := d.name
	if d.err != nil {
		m.comeBack("/verify "+name, d.err)
		return
	}
	m.roster.put(d.contact)
	switch d.decision {
	case client.MarkVerified:
		m.say("Marked " + name + " as verified.")
	case client.MarkPinned:
		m.say("Took the mark of " + name + " back.")
	case client.KeepKey:
		m.say("Kept the key of " + name + " that you know. The other one is refused from now on.")
	case client.TakeKey:
		m.say("Took the new key of " + name + ". Ask them anew: /connect " + name)
	}
	m.stay()
}
