package tui

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"secure-messaging/pkg/client"
)

// TestGroup: a group is made, talked in, changed and left.
func TestGroup(t *testing.T) {
	inBubble(t, usual, func(f *fake) {
		f.knows("bob", client.Accepted)
		f.knows("carol", client.Accepted)
	}, func(s *screen, f *fake) {
		s.type_("/group make ops\r")
		s.shows("Name it, and who is in it")
		s.press("ctrl+c")
		s.type_("/group add bob\r")
		s.shows("Open a group first")
		s.press("ctrl+c")
		s.type_("/group make ops bob dave\r")
		s.shows("+ops is made.", "bob, dave", "You are in +ops with bob and dave.", "dave: no contact of yours", "write to +ops")
		s.type_("hello all\r")
		f.sent(t, "hello all")
		f.moves(1, client.Delivered)
		m := f.saysIn("+ops", "bob", "hi **there**")
		f.saysIn("+ops", "carol", "and me")
		f.reports("+ops", "alice", "made bob dave")
		f.reports("+ops", "bob", "left")
		s.wait()
		s.shows("hello all", "bob  09:41", "carol  09:41", "You have made +ops, with bob and dave", "bob has left +ops")
		if !slices.Contains(f.reads, m.Cursor+1) {
			t.Errorf("read are %v", f.reads)
		}

		s.type_("/group add ca\t")
		s.shows("/group add carol")
		s.press("enter")
		s.type_("/group owner bob carol\r")
		s.shows("A group has one owner")
		s.press("ctrl+c")
		s.type_("/group remove da\t\r")
		s.type_("/disappear 1h\r")
		if g := f.groups["+ops"]; len(g.Members) != 3 || g.Members[2].Name != "carol" || g.Disappear != 3600 {
			t.Errorf("it is %+v", g)
		}
		s.type_("/group\r")
		s.shows("carol", "you", "owner", "Close", "Add", "Leave")
		s.hides("Request", "dave")
		s.type_("l")
		s.shows("Leave +ops?")
		s.press("esc")
		s.type_("/verify\r")
		s.shows("Verify whom?")
		s.press("ctrl+c")
		s.type_("/group leave\r")
		s.type_("l")
		s.shows("You are not in +ops any more.")
		s.type_("x\r")
		s.shows("Nobody to send it to")
		f.sent(t, "hello all", "made bob dave")
	})
}

// TestGroupComesAndGoes: others make groups with us, and take us out of them.
func TestGroupComesAndGoes(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		f.together("ops", "bob", "bob", "dave")
		s.wait()
		s.shows("You are in +ops now, with bob and dave.", "+ops")
		f.saysIn("+ops", "bob", "welcome")
		s.press("ctrl+k")
		s.type_("ops\r")
		s.shows("welcome")
		s.type_("/group\r")
		s.type_("r") // asks those who are strangers
		if c := f.contacts["dave"]; c.State != client.Requested || c.Note != "We are both in +ops." {
			t.Errorf("dave is %+v", c)
		}
		s.shows("Asked dave.", "write to +ops")
		s.type_("half a thought")
		f.regroups("+ops", func(g *client.Group) { g.State = client.Left })
		s.wait()
		s.shows("You are not in +ops any more.", "half a thought")
		s.press("enter")
		f.sent(t, "yes") // which was there before
		s.shows("half a thought")
		f.regroups("+ops", func(g *client.Group) { g.State = client.Unknown })
		s.wait()
		s.press("enter")
		s.shows("has not told you of it yet")
	})
}

// TestGroupForm asks for the name and the members.
func TestGroupForm(t *testing.T) {
	inBubble(t, usual, withTalk, func(s *screen, f *fake) {
		s.type_("/group\r")
		s.shows("Make a group", "Name", "Who")
		s.type_("Ops\r")
		s.type_("Bob\r")
		s.shows("+ops is made.")
		if g := f.groups["+ops"]; g.Owner != "alice" || len(g.Members) != 2 {
			t.Errorf("it is %+v", g)
		}
	})
}

// TestFiles: they are sent, saved, and their paths completed.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"report one.pdf", "report two.pdf", "photo.png", ".hidden", "bad\x1b[31m.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.Mkdir(filepath.Join(dir, "sub"), 0o700)
	set := usual
	set.Downloads = filepath.Join(dir, "downloads")
	inBubble(t, set, withTalk, func(s *screen, f *fake) {
		s.press("alt+1")
		s.type_("/file\r")
		s.type_("\r")
		s.shows("Which file?")
		s.press("ctrl+c")
		s.type_("/file " + dir + "/s\t")
		s.shows("/sub/")
		s.press("ctrl+c")
		s.type_("/file " + dir + "/\t")
		s.shows("photo.png, report one.pdf, report two.pdf, sub/")
		s.hides(".hidden", "bad")
		s.type_("rep\t")
		s.type_("\t")
		s.shows("report one.pdf, report two.pdf")
		s.type_("o\t")
		s.press("enter")
		s.shows("▤ report one.pdf  2.2 MiB", "◌")
		s.type_("/file '" + dir + "/report two.pdf'\r")
		s.type_("/file " + strings.ReplaceAll(dir+"/report two.pdf", " ", `\ `) + "\r")
		if want := []string{dir + "/report one.pdf", dir + "/report two.pdf", dir + "/report two.pdf"}; !slices.Equal(f.sentFiles, want) {
			t.Errorf("sent are %q", f.sentFiles)
		}

		f.gets(client.Message{Contact: "bob", From: "bob", Type: client.TypeFile, Text: "as **promised**", File: &client.File{Name: "plan.md", Size: 900}})
		s.wait()
		s.shows("▤ plan.md  900 bytes", "as **promised**")
		f.changes(int64(len(f.messages)), func(m *client.Message) { m.File = &client.File{Name: "plan.md", Size: 900, Done: 450} })
		s.wait()
		s.shows("50 %")
		s.press("alt+m")
		s.shows("s save")
		s.type_("s")
		s.shows("Saved: ", "plan.md  900 bytes  saved")
		if info, err := os.Stat(set.Downloads); err != nil || !info.IsDir() {
			t.Errorf("the folder for downloads: %v", err)
		}
		s.press("alt+m", "up", "up", "up", "up")
		s.type_("s")
		s.shows("There is no file in it.")
	})
}

func TestLinearGroup(t *testing.T) {
	dir := t.TempDir()
	onTape(t, func(f *fake) {
		f.knows("bob", client.Accepted)
		f.knows("carol", client.Accepted)
		f.together("ops", "bob", "bob", "dave")
		f.saysIn("+ops", "bob", "deploy at ten?")
	}, func(p *tape, f *fake) {
		p.after("", greeting+"You can talk to +ops, 1 unread; bob; carol.\n")
		p.after("/group\n", "This is no group. /group make NAME WHO... makes one.\n")
		p.after("/to +OPS\n", "You talk to +ops, 1 unread.\nbob in +ops, 09:41: deploy at ten?\n")
		p.after("/group\n", "In +ops with you: bob (the owner) and dave (no contact of yours).\n")
		p.after("yes\n", "")
		f.changes(2, func(m *client.Message) { m.State, m.Reason = client.Delivered, "not to dave: no contact of yours" })
		p.after("", "Delivered to +ops: \"yes\".\n")
		f.reports("+ops", "bob", "added carol")
		p.after("", "bob has added carol.\n")
		f.gets(client.Message{Contact: "+ops", From: "bob", Type: client.TypeFile, Text: "look", File: &client.File{Name: "plan.md", Size: 900}})
		p.after("", "bob in +ops, 09:41: the file plan.md, 900 bytes\n    look\n")
		p.after("/save "+dir+"/nowhere\n", "There is no folder "+dir+"/nowhere. Make it first, or name another: /save FOLDER\n")
		p.after("/save "+dir+"\n", "Saved: "+dir+"/plan.md\n")
		p.after("/file "+dir+"/x.txt\n", "Sending x.txt.\n")
		p.after("/group leave\n", "To leave +ops, write: /group leave yes\n")
		p.after("/group leave yes\n", "You are not in +ops any more.\n")
		p.after("/group make new bob\n", "You are in the group +new with bob. /to +new talks to it.\n")
	})
}
