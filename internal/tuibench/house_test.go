package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/stage"
)

// testLimit bounds a test. It is long because machines are slow, and nobody
// waits for it to pass.
const testLimit = 2 * time.Minute

var (
	houseDir string
	house    *stage.House // nil where there can be none
)

func TestMain(m *testing.M) {
	if stage.Stretching() {
		return
	}
	code := m.Run()
	if house != nil {
		house.Close()
	}
	os.RemoveAll(houseDir)
	os.Exit(code)
}

var theHouse = sync.OnceValue(func() (err error) {
	if houseDir, err = os.MkdirTemp("", "tuibench-test-"); err == nil {
		house, err = stage.Open(context.Background(), houseDir, stage.Anywhere)
	}
	return err
})

// openHouse gives the house in which all tests play, so that it is built once.
func openHouse(t *testing.T) *stage.House {
	t.Helper()
	a, b, err := pty.Open()
	if err != nil {
		t.Skip("there are no pseudo-terminals here:", err)
	}
	if err := errors.Join(a.Close(), b.Close(), theHouse()); err != nil {
		t.Fatal(err)
	}
	return house
}

// visitor is somebody with a friend and a client, in a test.
type visitor struct {
	*world
	t       *testing.T
	ctx     context.Context
	name    string
	account profile.Ref
}

// visit makes a person and a friend of theirs, and opens the person's client.
func visit(t *testing.T, name string, c config) *visitor {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testLimit)
	t.Cleanup(cancel)
	v := &visitor{world: &world{config: c, house: openHouse(t)}, t: t, ctx: ctx, name: name}
	friend, err := v.house.Move(ctx, name+"_"+myFriend, stage.Cheap)
	v.must(err)
	v.world.friend = friend.Ref
	v.must(friend.Start())
	v.must(v.moveIn(ctx, friend, name, stage.Cheap, c.messages))
	v.must(friend.Close(0))
	v.account, _, err = profile.Find(name, "")
	v.must(err)
	t.Cleanup(func() { v.must(v.close()) })
	v.enter(v.invitation())
	return v
}

func (v *visitor) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// enter opens the client, in whose composer something stands.
func (v *visitor) enter(written string) {
	v.t.Helper()
	_, err := v.open(v.ctx, v.name, v.messages, written)
	v.must(err)
}

// back is the friend, connected, until the test has ended.
func (v *visitor) back() *owner.Account {
	v.t.Helper()
	friend, err := v.house.Back(v.ctx, v.world.friend)
	v.must(err)
	v.must(friend.Start())
	v.t.Cleanup(func() { v.must(friend.Close(0)) })
	return friend
}

func (v *visitor) keys(keys string) {
	v.t.Helper()
	_, err := v.screen.Type(keys)
	v.must(err)
}

// sees waits until all the texts are on the screen.
func (v *visitor) sees(texts ...string) {
	v.t.Helper()
	_, err := v.until(v.ctx, strings.Join(texts, " and "), shows(texts...))
	v.must(err)
}

// same waits until the screen is as before, but for its first line, where the
// clock is.
func (v *visitor) same(before string) {
	v.t.Helper()
	_, err := v.until(v.ctx, "what it had shown:\n"+before, func(e *vt.Emulator) bool { return body(stage.Text(e)) == body(before) })
	v.must(err)
}

func body(text string) string {
	_, rest, _ := strings.Cut(text, "\n")
	return rest
}

// undisturbed checks that the terminal is as if nothing had run in it.
func (v *visitor) undisturbed() {
	v.t.Helper()
	if left := v.screen.Left(); len(left) > 0 {
		v.t.Errorf("left behind in the terminal: %s", strings.Join(left, ", "))
	}
}

// ends waits for the client's end.
func (v *visitor) ends(codes ...int) {
	v.t.Helper()
	code, err := v.screen.Ended(v.ctx)
	v.must(err)
	for _, c := range codes {
		if code == c {
			return
		}
	}
	v.t.Errorf("chat has ended with %d, not %s", code, fmt.Sprint(codes))
}
