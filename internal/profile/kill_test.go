package profile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// childVariable makes this test binary be another process with a profile.
const childVariable = "PROFILE_TEST_CHILD"

func TestMain(m *testing.M) {
	switch role, name, _ := strings.Cut(os.Getenv(childVariable), " "); role {
	case "":
		os.Exit(m.Run())
	case "hold":
		childHold(name)
	case "commit":
		childCommit(name)
	}
}

// childOpen opens a profile in the child.
func childOpen(name string) *Store {
	ref, err := RefFor(name, testServer)
	if err == nil {
		var s *Store
		if s, err = unlock(ref, passphrase); err == nil {
			return s
		}
	}
	fmt.Println(err)
	os.Exit(1)
	return nil
}

// childHold opens the profile, says so, and keeps it until its input ends.
func childHold(name string) {
	childOpen(name)
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
}

// childCommit commits numbered messages, each with all that belongs to it, and
// what is being typed after it, and says each number once it is on the disk,
// until it is killed.
func childCommit(name string) {
	s := childOpen(name)
	l, err := s.Load()
	if err != nil {
		panic(err)
	}
	bob := l.Contacts[0]
	author := l.Keys.Certificate.Address()
	for n := len(l.Outbox); ; n++ {
		id := crypto.NewMessageID()
		bob.Session = []byte(numbered(n))
		c := &client.Changes{
			Contacts: []client.ContactRecord{bob},
			Messages: []client.NewMessage{{Author: author, Message: client.Message{
				ID: id.String(), Contact: bob.Name, From: name, Type: client.TypeText,
				Text: numbered(n), SentAt: now(), At: now(), State: client.Waiting,
			}}},
			Enqueue: []client.OutboxItem{{ID: id, Kind: "encrypted_message", Contact: bob.Name, At: now(), Frame: []byte(numbered(n))}},
		}
		if err := errors.Join(s.Commit(c), s.SetView(client.View{Contact: bob.Name, Draft: numbered(n)})); err != nil {
			panic(err)
		}
		fmt.Println(n)
	}
}

// child is another process; it is killed with the test at the latest.
type child struct {
	*exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
}

func start(t *testing.T, role, name string) *child {
	t.Helper()
	c := &child{Cmd: exec.Command(os.Args[0])}
	c.Env = append(os.Environ(), childVariable+"="+role+" "+name)
	c.Stderr = os.Stderr
	out, err1 := c.StdoutPipe()
	in, err2 := c.StdinPipe()
	if err := errors.Join(err1, err2, c.Start()); err != nil {
		t.Fatal(err)
	}
	c.in, c.lines = in, bufio.NewScanner(out)
	t.Cleanup(c.kill)
	return c
}

func (c *child) kill() {
	if c.ProcessState == nil {
		c.Process.Kill()
		c.Wait()
	}
}

// TestKill: whatever a process said is on the disk is there after kill -9,
// once and in order, and what belongs together is there together.
func TestKill(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	ref := s.Ref()
	commit(t, s, &client.Changes{Contacts: []client.ContactRecord{contactOf(t, "bob", client.Accepted)}})
	s.Close()
	said := 0
	for _, lines := range []int{1, 7, 40, 3, 300} {
		c := start(t, "commit", "alice")
		for range lines {
			if !c.lines.Scan() {
				t.Fatal("the child has ended")
			}
			if c.lines.Text() != fmt.Sprint(said) {
				t.Fatalf("the child said %s after %d", c.lines.Text(), said)
			}
			said++
		}
		c.Process.Kill()
		for c.lines.Scan() { // said before it died
			said++
		}
		c.Wait()
		s := open(t, ref)
		l := load(t, s)
		kept := len(l.Outbox)
		if kept != said && kept != said+1 { // the last may be written and not yet said
			t.Fatalf("%d were said, %d are kept", said, kept)
		}
		views, err := s.Views()
		if err != nil || len(views) != 1 || views[0].Draft != numbered(kept-1) && views[0].Draft != numbered(said-1) {
			t.Fatalf("what was typed after %d is %v, %v", said, views, err)
		}
		said = kept
		if got := string(l.Contacts[0].Session); got != numbered(kept-1) {
			t.Fatalf("the session is at %q after %d", got, kept)
		}
		items, err := s.Outbox(0, kept+1)
		if err != nil {
			t.Fatal(err)
		}
		messages := history(t, s, client.Query{Limit: kept + 1})
		if len(messages) != kept || len(items) != kept {
			t.Fatalf("%d messages, %d items, want %d", len(messages), len(items), kept)
		}
		for n := range kept {
			if messages[n].Text != numbered(n) || string(items[n].Frame) != numbered(n) {
				t.Fatalf("in place %d stand %q and %q", n, messages[n].Text, items[n].Frame)
			}
		}
		s.Close()
	}
}
