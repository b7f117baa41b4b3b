package main

import (
	"math/rand/v2"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"secure-messaging/internal/stage"
	"secure-messaging/pkg/client"
)

// calm is somebody's home in which a test makes trouble.
var calm = config{messages: 120, contacts: 5, cols: 100, rows: 30}

// TestResizeStorm: however often the size changes, and to whatever, what is
// written stays, and the screen is the same as before in the end.
func TestResizeStorm(t *testing.T) {
	t.Parallel()
	v := visit(t, "resizer", calm)
	v.keys("half a thought")
	v.sees("half a thought", "● connected")
	before := v.screen.Text()
	const sizes = 100
	tick := time.NewTicker(time.Second / sizes)
	defer tick.Stop()
	random := rand.New(rand.NewPCG(5, 5))
	for n := range sizes {
		cols, rows := 1+random.IntN(300), 1+random.IntN(100)
		switch n {
		case 0, sizes - 2:
			cols, rows = 1, 1
		case 1, sizes - 1:
			cols, rows = 300, 100
		}
		v.must(v.screen.Resize(cols, rows))
		<-tick.C
	}
	v.must(v.screen.Resize(calm.cols, calm.rows))
	v.same(before)
	v.keys(", and the rest")
	v.sees("half a thought, and the rest")
	v.keys("\x03")
	v.must(v.leave(v.ctx))
}

// TestHugePaste: a paste that no message can take is refused and told, and what
// was written before stays. What comes as single keys, for want of bracketed
// paste, does not stop the client.
func TestHugePaste(t *testing.T) {
	t.Parallel()
	v := visit(t, "paster", calm)
	v.keys("before ")
	v.sees("❯ before")
	v.keys("\x1b[200~" + strings.Repeat("what is the matter with\r\nyou, ", 1<<20/30+1) + "\x1b[201~")
	v.sees("1.0 MiB", "32 KiB", "❯ before")
	v.keys("and after")
	v.sees("❯ before and after")
	v.keys("\x03")
	v.sees(v.invitation())
	v.keys(strings.Repeat("what is the matter with you, ", 1<<20/29))
	v.keys("\x03")
	v.sees(v.invitation())
	v.keys("still here")
	v.sees("❯ still here")
}

// TestCrowd: ten thousand contacts are opened, jumped to and passed through.
func TestCrowd(t *testing.T) {
	t.Parallel()
	crowd := calm
	crowd.contacts = 10_000
	v := visit(t, "host", crowd)
	v.keys("\x0bmember_07321")
	v.sees("member_07321")
	v.keys("\r")
	v.sees("write to member_07321", "Member_07321 here", "member_07310", "member_07330")
	v.keys("\x1b[1;3B") // alt+down
	v.sees("write to member_07322", "Member_07322 here")
	v.keys("hello")
	v.sees("❯ hello")
}

// TestKilledInADraft: SIGKILL takes nothing of what was written a moment before.
func TestKilledInADraft(t *testing.T) {
	t.Parallel()
	v := visit(t, "writer", calm)
	v.keys("what I was about to say: 日本")
	v.sees("❯ what I was about to say: 日本")
	v.kept("what I was about to say: 日本")
	v.must(v.close())
	v.enter("❯ what I was about to say: 日本")
}

// kept waits until a draft is on the disk, which another client of the account
// is told.
func (v *visitor) kept(draft string) {
	v.t.Helper()
	other, err := v.house.Back(v.ctx, v.account)
	v.must(err)
	defer other.Close(0)
	if other.Owned {
		v.t.Fatal("the client does not hold its profile")
	}
	for v.ctx.Err() == nil {
		views, err := other.Views(v.ctx)
		v.must(err)
		for _, view := range views {
			if view.Draft == draft {
				return
			}
		}
	}
	v.t.Fatalf("the draft %q is not kept", draft)
}

// TestTerminalCloses: the window goes, and what was written is there the next
// time.
func TestTerminalCloses(t *testing.T) {
	t.Parallel()
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("SIGHUP is ignored here, as under nohup")
	}
	v := visit(t, "closer", calm)
	v.keys("one last thing")
	v.sees("❯ one last thing")
	v.kept("one last thing")
	v.must(v.screen.Cmd.Process.Signal(syscall.SIGHUP)) // as the kernel does
	v.ends(0, 130)
	v.must(v.close())
	v.enter("❯ one last thing")
}

// TestLeft: the terminal is left as it was, by who quits and by who is told to.
func TestLeft(t *testing.T) {
	t.Parallel()
	v := visit(t, "leaver", calm)
	screen := v.screen
	if len(screen.Left()) == 0 {
		t.Fatal("the client has changed nothing in its terminal, so this test proves nothing")
	}
	v.must(v.leave(v.ctx))
	v.screen = screen
	v.undisturbed()
	v.screen = nil

	v.enter(v.invitation())
	v.must(v.screen.Cmd.Process.Signal(syscall.SIGTERM))
	v.ends(0, 130)
	v.undisturbed()
}

// TestRelayGoes: what is written while the relay is away says so, waits, and
// arrives when it is back.
func TestRelayGoes(t *testing.T) {
	v := visit(t, "waiter", calm)
	v.sees("● connected")
	v.must(v.house.KillRelay())
	t.Cleanup(func() { v.house.StartRelay() })
	v.keys("are you there?\r")
	v.sees("are you there?", "1 waiting", "◌")
	v.must(v.house.StartRelay())
	v.sees("● connected")
	friend := v.back()
	v.must(stage.AwaitMessage(v.ctx, friend, "are you there?"))
	v.sees("✓✓")
	_, err := friend.Send(v.ctx, v.name, "here I am")
	v.must(err)
	v.sees("here I am")
	if s, err := friend.Status(v.ctx); err != nil || s.State != client.Connected {
		t.Errorf("the friend is %s, %v", s.State, err)
	}
}
