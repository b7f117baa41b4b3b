package profile

import "testing"

// TestLastOpened: a command that names an account changes what the next command
// takes, but not what a person finds who opens the interface.
func TestLastOpened(t *testing.T) {
	isolate(t)
	var refs [2]Ref
	for i, name := range []string{"alice", "bob"} {
		refs[i] = newRef(t, name)
		s, err := Create(refs[i], newKeys(t, name), first, passphrase, cheap)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	alice, bob := refs[0], refs[1]
	if _, ok := LastOpened(); ok {
		t.Error("something was opened before anything was")
	}
	for _, step := range []struct {
		touch        func(Ref) error
		ref          Ref
		used, opened Ref
	}{
		{TouchOpened, alice, alice, alice},
		{Touch, bob, bob, alice},
		{TouchOpened, bob, bob, bob},
		{Touch, alice, alice, bob},
	} {
		if err := step.touch(step.ref); err != nil {
			t.Fatal(err)
		}
		if got, ok := Last(); !ok || got != step.used {
			t.Errorf("used last: %+v, %v", got, ok)
		}
		if got, ok := LastOpened(); !ok || got != step.opened {
			t.Errorf("opened last: %+v, %v", got, ok)
		}
	}
}
