package client

import (
	"testing"
	"testing/synctest"
)

// Who is online is told once, of contacts alone, and of nobody where the user
// does not want to know.
func TestOnline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, store, c := newScript(t)
		ctx := t.Context()
		position, err := c.Events(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		told := func(want ...bool) {
			t.Helper()
			var got []bool
			for {
				now, _ := c.Events(ctx, 0)
				if position.Next == now.Next {
					break
				}
				b, _ := c.Events(ctx, position.Next)
				position.Next = b.Next
				for _, e := range b.Events {
					if e.Kind == ContactChanged {
						got = append(got, e.Contact.Online)
					}
				}
			}
			cs, _ := c.Contacts(ctx)
			if len(got) != len(want) || len(want) > 0 && (got[0] != want[0] || cs[0].Online != want[0]) {
				t.Errorf("told is %t, want %t; contacts %+v", got, want, cs)
			}
		}
		c.setOnline("zoe", true)
		told()
		c.setOnline("bob", true)
		told(true)
		c.setOnline("bob", true)
		told()
		if store.contacts["bob"].Online {
			t.Error("it is stored")
		}
		c.setOnline("bob", false)
		told(false)
		c.setOnline("bob", true)
		told(true)
		if err := c.SetSettings(ctx, Settings{}); err != nil {
			t.Fatal(err)
		}
		told(false)
		c.setOnline("bob", true)
		told()
		if err := c.SetSettings(ctx, DefaultSettings); err != nil {
			t.Fatal(err)
		}
		c.setOnline("bob", true)
		told(true)
		if err := c.Block(ctx, "bob"); err != nil {
			t.Fatal(err)
		}
		told(false)
		c.setOnline("bob", true)
		told()
	})
}
