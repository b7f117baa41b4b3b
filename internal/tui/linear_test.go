package tui

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode"

	"secure-messaging/pkg/client"
)

// tape is the linear interface on a pipe, in fake time.
type tape struct {
	t     *testing.T
	in    *io.PipeWriter
	ended chan error

	mu  sync.Mutex
	all strings.Builder // guarded by mu
	at  int             // how much of it was heard
}

func (p *tape) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all.Write(b)
}

// hears gives what was said since it was asked last.
func (p *tape) hears() string {
	synctest.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.all.String()[p.at:]
	p.at = p.all.Len()
	return now
}

// after writes lines and compares what they bring about.
func (p *tape) after(lines, want string) {
	p.t.Helper()
	io.WriteString(p.in, lines)
	if got := p.hears(); got != want {
		p.t.Errorf("after %q it says\n%s\nand should say\n%s", lines, got, want)
	}
}

func onTape(t *testing.T, account func(*fake), f func(*tape, *fake)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9*time.Hour + 41*time.Minute)
		fake := newFake()
		if account != nil {
			account(fake)
		}
		r, w := io.Pipe()
		p := &tape{t: t, in: w, ended: make(chan error, 1)}
		go func() { p.ended <- RunLinear(context.Background(), fake, Options{In: r, Out: p}) }()
		f(p, fake)
		w.Close()
		if err := <-p.ended; err != nil {
			t.Error(err)
		}
	})
}

const greeting = "You are alice at relay.example:8443. Every line that you write is sent to whom you talk to. /help lists the commands.\nConnected.\n"

func TestLinearFirst(t *testing.T) {
	onTape(t, nil, func(p *tape, _ *fake) {
		p.after("", greeting+"Nobody is here yet. /connect NAME asks somebody to talk.\n")
		p.after("hello?\n", "Not sent: you talk to nobody yet. /to NAME changes that.\n")
		p.after("/connect Bob it is me\n", "Asked bob. What they answer is said here.\n")
		p.after("/nonsense\n", "There is no command /nonsense. /help lists them; two slashes begin a message with one.\n")
		p.after("/who\n", "Not answered yet by bob.\n")
		p.in.Close()
		p.after("", "Goodbye.\n")
	})
}

func TestLinearTalk(t *testing.T) {
	onTape(t, func(f *fake) {
		f.knows("bob", client.Accepted)
		f.knows("carol", client.Accepted)
		f.says("bob", "deploy at ten?")
	}, func(p *tape, f *fake) {
		p.after("", greeting+"You can talk to bob, 1 unread; carol.\n")
		p.after("/to BOB\n", "You talk to bob, 1 unread.\nbob, 09:41: deploy at ten?\n")
		if len(f.reads) != 1 || f.reads[0] != 1 {
			t.Errorf("marked as read: %v", f.reads)
		}
		p.after("yes\n", "")
		p.after("//slash\n", "")
		f.sent(t, "yes", "/slash")
		f.moves(2, client.Stored)
		f.moves(2, client.Delivered)
		f.moves(2, client.Read)
		p.after("", "At the relay for bob: \"yes\".\nDelivered to bob: \"yes\".\nRead by bob: \"yes\".\n")
		f.says("bob", "good\nsee you")
		p.after("", "bob, 09:41: good\n    see you\n")
		f.says("carol", "lunch?")
		p.after("", "1 new message from carol: /to carol\n")
		f.burst("carol", 3)
		p.after("", "3 new messages from carol: /to carol\n")
		p.after("/reply at ten then\n", "Answering \"good see you\".\n")
		p.after("/react 👍\n", "👍 from you for \"good see you\".\n")
		p.after("/react\n", "👍 taken back by you from \"good see you\".\n")
		p.after("/edit half past ten\n", "Edited by you, of 09:41: half past ten\n")
		p.after("/delete\n", "To delete \"half past ten\" here and there, write: /delete yes\n")
		p.after("/delete yes\n", "Deleted by you: \"half past ten\".\n")
		p.after("/search LUNCH\n", "carol, 09:41: lunch?\n")
		p.after("/search unheard\n", "Nothing found.\n")
		p.after("/disappear 1d\n", "")
		if f.contacts["bob"].Disappear != 86400 {
			t.Error("messages do not disappear")
		}
		p.after("/typing off\n", "typing is off: "+tellings[1].off+"\n")
	})
}

func TestLinearOlder(t *testing.T) {
	onTape(t, history(20), func(p *tape, f *fake) {
		p.hears()
		p.after("/older\n", lines(5, 15))
		p.after("/older\n", lines(0, 5))
		p.after("/older\n", "There is nothing older.\n")
	})
}

func lines(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		b.WriteString("bob, 08:41: line " + strconv.Itoa(i) + "\n")
	}
	return b.String()
}

// Who talks to nobody talks to whom they accept.
func TestLinearAccept(t *testing.T) {
	onTape(t, func(f *fake) { f.asks("dave", "") }, func(p *tape, f *fake) {
		p.after("", greeting+"Asking to talk to you: dave.\n")
		p.after("/to dave\n", "dave asks to talk to you: /accept dave\n")
		p.after("/accept\n", "You and dave can talk now: /to dave\nYou talk to dave.\n")
		p.after("hi\n", "")
		f.sent(t, "hi")
	})
}

// A request, another key, the connection and a failure are said in words.
func TestLinearEvents(t *testing.T) {
	onTape(t, withBob, func(p *tape, f *fake) {
		p.after("", greeting+"You can talk to bob.\nYou talk to bob.\n")
		f.asks("dave", "hi\nit's dave")
		p.after("", "dave asks to talk to you and writes: hi\n    it's dave. The fingerprint is "+bobsPrint+". /accept dave, /reject dave or /block dave answers.\n")
		p.after("/accept\n", "You and dave can talk now: /to dave\n")
		f.trusted("bob", client.Changed)
		p.after("", "Warning: another key is shown in the name of bob. Nothing is sent to bob until you decide: /verify bob\n")
		f.connection(client.Status{State: client.Offline, Reason: "no route to the relay", Waiting: 2})
		p.after("", "Not connected: no route to the relay. Trying again. 2 messages wait to be sent.\n")
		p.after("are you there?\n", "Waiting until the relay can be reached.\n")
		f.connection(client.Status{State: client.Connecting, Waiting: 2})
		f.connection(client.Status{State: client.Connected})
		p.after("", "Connected.\n")
		f.warns("The relay has dropped 3 messages.")
		p.after("", "Warning: The relay has dropped 3 messages.\n")
		m := f.wrote("bob", "from another terminal", client.Waiting, "")
		f.moves(m.Cursor, client.Failed)
		p.after("", "you to bob, 09:41, waiting: from another terminal\nNot sent to bob \"from another terminal\": refused.\n")
	})
}

func TestLinearVerify(t *testing.T) {
	onTape(t, withBob, func(p *tape, f *fake) {
		p.hears()
		p.after("/verify bob same\n", "Hear the number first: /verify bob\n")
		io.WriteString(p.in, "/verify\n")
		if got := p.hears(); !strings.Contains(got, strings.Join(fives(bobsNumber), " ")) {
			t.Errorf("it says %q", got)
		}
		p.after("/verify bob keep\n", "That is none of what can be decided. Nothing has changed. /verify bob says what can.\n")
		p.after("/verify bob same\n", "Marked bob as verified.\n")
		f.trusted("bob", client.Changed)
		p.hears()
		io.WriteString(p.in, "/verify bob\n")
		p.hears()
		p.after("/verify bob 00000\n", "That is none of what can be decided. Nothing has changed. /verify bob says what can.\n")
		if f.contacts["bob"].Trust != client.Changed {
			t.Fatal("another key was taken with the wrong digits")
		}
		io.WriteString(p.in, "/verify bob "+differing(bobsNumber, otherNumber)+"\n")
		if got := p.hears(); !strings.Contains(got, "Took the new key of bob. Ask them anew: /connect bob\n") {
			t.Errorf("it says %q", got)
		}
	})
}

// Nothing of others reaches the terminal as it is, and none of their lines
// looks like one of ours.
func TestLinearHostile(t *testing.T) {
	evil := "\x1b[2J\x1b]0;pwned\x07\u202e\rConnected.\ncarol, 09:41: yes"
	onTape(t, withBob, func(p *tape, f *fake) {
		p.hears()
		m := f.says("bob", evil)
		f.changes(m.Cursor, func(m *client.Message) { m.Reactions = []client.Reaction{{From: "bob", Emoji: evil}} })
		f.asks("dave", evil)
		f.warns(evil)
		f.connection(client.Status{State: client.Offline, Reason: evil})
		got := p.hears()
		for _, r := range got {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%q is written to the terminal", r)
			}
		}
		for line := range strings.Lines(got) {
			if strings.HasPrefix(line, "Connected") || strings.HasPrefix(line, "carol") {
				t.Errorf("it looks like ours: %q", line)
			}
		}
	})
}

// What is too long is refused whole, and what waits is said on leaving.
func TestLinearEnds(t *testing.T) {
	onTape(t, withBob, func(p *tape, f *fake) {
		p.hears()
		p.after(strings.Repeat("x", maxPaste+1)+"\n", "That line was too long, and nothing of it was sent. A message takes 32 KiB.\n")
		p.after(strings.Repeat("x", client.MaxText+1)+"\n", "Not sent: too long by 1 byte. A message takes 32 KiB.\n")
		f.sent(t)
		f.connection(client.Status{State: client.Connected, Waiting: 1})
		p.after("/quit\n", "")
		f.connection(client.Status{State: client.Connected})
		p.after("", "Goodbye.\n")
	})
	onTape(t, withBob, func(p *tape, f *fake) {
		f.connection(client.Status{State: client.Connected, Waiting: 1})
		p.hears()
		p.after("/quit\n", "")
		time.Sleep(handOver)
		p.after("", "1 message waits here, and will be sent when chat next reaches the relay.\n")
	})
}

// Every command of the screen is there, but for those about colours and keys.
func TestLinearCommands(t *testing.T) {
	for _, c := range commands {
		if c.name == "theme" {
			continue
		}
		found := false
		for _, s := range spokenCommands {
			found = found || s.name == c.name
		}
		if !found {
			t.Errorf("there is no /%s", c.name)
		}
	}
}
