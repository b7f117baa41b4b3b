package client

import (
	"strings"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/crypto"
)

// What one side shows matches on the other, and nothing else does.
func TestSafetyMatch(t *testing.T) {
	alice, bob := vectors.Alice().Certificate, vectors.Bob().Certificate
	other := vectors.NewPerson("bob", vectors.Relay(), 0xd1).Certificate
	number, offered := crypto.SafetyNumber(alice, bob), crypto.SafetyNumber(alice, other)
	f := Safety{
		Name: "bob", Trust: Changed,
		Number: number, QR: crypto.SafetyQR(alice, bob),
		Offered: offered, OfferedQR: crypto.SafetyQR(alice, other),
	}
	lines := crypto.SafetyLines(number)
	for name, text := range map[string]string{
		"digits":           number,
		"groups":           strings.Join(lines, "\n"),
		"lines of Windows": strings.Join(lines, "\r\n") + "\r\n",
		"dashes":           strings.ReplaceAll(lines[0]+"-"+lines[1]+" - "+lines[2], " ", "-"),
		"blanks of a page": "\u00a0" + strings.Join(lines, "\u00a0\t"),
		"their code":       crypto.SafetyQR(bob, alice),
		"scanned":          "  " + crypto.SafetyQR(bob, alice) + "\n",
	} {
		if !f.Match(text) {
			t.Errorf("%s: no match", name)
		}
	}
	shown := crypto.SafetyQR(bob, alice)
	for name, text := range map[string]string{
		"nothing":            "",
		"blanks":             " -\n",
		"too few":            number[1:],
		"too many":           number + "0",
		"one digit wrong":    number[:59] + string('0'+(number[59]-'0'+1)%10),
		"another order":      number[30:] + number[:30],
		"a word behind":      number + " yes",
		"the offered number": offered,
		"our own code":       f.QR,
		"the offered code":   crypto.SafetyQR(other, alice),
		"another version":    strings.Replace(shown, ":1:", ":2:", 1),
		"a code in parts":    strings.Replace(shown, ":1:", ":1: ", 1),
		"a part more":        shown + ":",
	} {
		if f.Match(text) {
			t.Errorf("%s: it matches", name)
		}
	}
	for _, text := range []string{"", " ", ":", number} {
		if (Safety{}).Match(text) {
			t.Errorf("%q matches what is empty", text)
		}
	}
}
