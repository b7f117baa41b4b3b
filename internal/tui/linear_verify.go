package tui

import (
	"cmp"
	"fmt"
	"strings"

	"secure-messaging/pkg/client"
)

// commandVerify says a safety number, and takes what is decided about the one
// that was said.
func (x *linear) commandVerify(args string) (string, error) {
	name, decision, _ := strings.Cut(strings.ToLower(args), " ")
	name = cmp.Or(name, x.current)
	if name == "" {
		return "Verify whom? /verify NAME", nil
	}
	if decision != "" {
		return x.decide(name, decision)
	}
	f, err := x.account.Safety(x.ctx, name)
	if err != nil {
		return "", err
	}
	f = cleanSafety(f)
	x.shown[name] = f
	number := strings.Join(fives(f.Number), " ")
	switch f.Trust {
	case client.Changed:
		return fmt.Sprintf("Another key is shown in the name of %[1]s. The number that you know: %[2]s.\nThe new one: %[3]s.\nAsk %[1]s by another way than this chat which they see. To stay with the key that you know: /verify %[1]s keep. To take the new one: /verify %[1]s and the last five digits that differ, of the new number.",
			name, number, strings.Join(fives(f.Offered), " ")), nil
	case client.Verified:
		return fmt.Sprintf("You have verified %[1]s. The safety number: %[2]s.\nTo take that back: /verify %[1]s unmark", name, number), nil
	}
	return fmt.Sprintf("The safety number with %[1]s: %[2]s.\nAsk %[1]s for theirs by another way than this chat. If it is the same: /verify %[1]s same", name, number), nil
}

// decide takes a decision about the number that was said last.
func (x *linear) decide(name, decision string) (string, error) {
	f, seen := x.shown[name]
	if !seen {
		return "Hear the number first: /verify " + name, nil
	}
	var what client.Decision
	number := f.Number
	switch {
	case decision == "same" && f.Trust == client.Pinned:
		what = client.MarkVerified
	case decision == "unmark" && f.Trust == client.Verified:
		what = client.MarkPinned
	case decision == "keep" && f.Trust == client.Changed:
		what = client.KeepKey
	case f.Trust == client.Changed && decision == differing(f.Number, f.Offered):
		what, number = client.TakeKey, f.Offered
	default:
		return "That is none of what can be decided. Nothing has changed. /verify " + name + " says what can.", nil
	}
	delete(x.shown, name)
	if _, err := x.account.Trust(x.ctx, name, what, number); err != nil {
		return "", err
	}
	return map[client.Decision]string{
		client.MarkVerified: "Marked " + name + " as verified.",
		client.MarkPinned:   "Took the mark of " + name + " back.",
		client.KeepKey:      "Kept the key of " + name + " that you know. The other one is refused from now on.",
		client.TakeKey:      "Took the new key of " + name + ". Ask them anew: /connect " + name,
	}[what], nil
}
