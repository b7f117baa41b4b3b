package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"secure-messaging/internal/owner"
	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// pinned is alice's account, in which bob's key is known, and what was decided
// about it.
type pinned struct {
	client.Account
	safety  client.Safety
	decided []string
}

func (p *pinned) Safety(context.Context, string) (client.Safety, error) { return p.safety, nil }

func (p *pinned) Trust(_ context.Context, name string, d client.Decision, number string) (client.Contact, error) {
	about := p.safety.Number
	if d == client.TakeKey {
		about = p.safety.Offered
	}
	if number != about {
		return client.Contact{}, client.ErrConflict
	}
	p.decided = append(p.decided, fmt.Sprint(name, " ", d))
	p.safety.Trust = client.Pinned
	if d == client.MarkVerified {
		p.safety.Trust = client.Verified
	}
	return client.Contact{Name: name, Trust: p.safety.Trust}, nil
}

var (
	alice    = vectors.Alice().Certificate
	bob      = vectors.Bob().Certificate
	otherBob = vectors.NewPerson("bob", vectors.Relay(), 0xd1).Certificate
	number   = crypto.SafetyNumber(alice, bob)
	offered  = crypto.SafetyNumber(alice, otherBob)
)

func knowsBob(trust client.Trust) *pinned {
	p := &pinned{safety: client.Safety{Name: "bob", Trust: trust, Number: number, QR: crypto.SafetyQR(alice, bob)}}
	if trust == client.Changed {
		p.safety.Offered, p.safety.OfferedQR = offered, crypto.SafetyQR(alice, otherBob)
	}
	return p
}

// verify runs chat verify bob on an account.
func verify(t *testing.T, p *pinned, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs bytes.Buffer
	a := &app{noInput: true}
	cmd := a.verifyOn(func(cmd *cobra.Command, do func(*call) error) error {
		return do(&call{Account: &owner.Account{Account: p}, ctx: t.Context(), cmd: cmd})
	})
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	cmd.SetArgs(append([]string{"bob"}, args...))
	err = cmd.Execute()
	return out.String(), errs.String(), err
}

func grouped(number string) string { return strings.Join(crypto.SafetyLines(number), "\n") }

func TestVerifyDecides(t *testing.T) {
	shown, swapped := crypto.SafetyQR(bob, alice), crypto.SafetyQR(otherBob, alice)
	for _, tt := range []struct {
		name    string
		trust   client.Trust
		args    []string
		decided string
		code    int
	}{
		{"shown", client.Pinned, nil, "", 0},
		{"the number", client.Pinned, []string{"--match", number}, "bob verified", 0},
		{"in groups", client.Pinned, []string{"--match", grouped(number)}, "bob verified", 0},
		{"with dashes", client.Pinned, []string{"--match", " " + strings.ReplaceAll(grouped(number), " ", "-") + "\n"}, "bob verified", 0},
		{"their code", client.Pinned, []string{"--match", shown + "\n"}, "bob verified", 0},
		{"our own code", client.Pinned, []string{"--match", crypto.SafetyQR(alice, bob)}, "", exitUsage},
		{"another's code", client.Pinned, []string{"--match", swapped}, "", exitConflict},
		{"another number", client.Pinned, []string{"--match", offered}, "", exitConflict},
		{"a digit too few", client.Pinned, []string{"--match", number[1:]}, "", exitUsage},
		{"digits of another script", client.Pinned, []string{"--match", number[2:] + "٣"}, "", exitUsage},
		{"an empty number", client.Pinned, []string{"--match", ""}, "", exitUsage},
		{"taken back", client.Verified, []string{"--unverify"}, "bob pinned", 0},
		{"nothing to keep", client.Pinned, []string{"--keep-old-key"}, "", exitConflict},
		{"nothing to take", client.Pinned, []string{"--take-new-key", number}, "", exitConflict},
		{"two things", client.Pinned, []string{"--match", number, "--unverify"}, "", exitUsage},
		{"not taken back", client.Verified, []string{"--unverify=false"}, "", 0},

		{"changed: shown", client.Changed, nil, "", exitPeerChanged},
		{"changed: as JSON", client.Changed, []string{"--json"}, "", exitPeerChanged},
		{"changed: the old number", client.Changed, []string{"--match", number}, "", exitPeerChanged},
		{"changed: the new number", client.Changed, []string{"--match", offered}, "", exitPeerChanged},
		{"changed: kept", client.Changed, []string{"--keep-old-key"}, "bob keep_key", 0},
		{"changed: taken", client.Changed, []string{"--take-new-key", grouped(offered)}, "bob take_new_key", 0},
		{"changed: taken for the old number", client.Changed, []string{"--take-new-key", number}, "", exitConflict},
		{"changed: taken for no number", client.Changed, []string{"--take-new-key", ""}, "", exitUsage},
		{"changed: taken for a part", client.Changed, []string{"--take-new-key", offered[55:]}, "", exitUsage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := knowsBob(tt.trust)
			_, _, err := verify(t, p, tt.args...)
			if code := exitCode(err); code != tt.code {
				t.Errorf("exit code %d: %v", code, err)
			}
			if got := strings.Join(p.decided, ", "); got != tt.decided {
				t.Errorf("decided: %q", got)
			}
		})
	}
}

// Whoever reads it is told what it means and what to do.
func TestVerifyTells(t *testing.T) {
	out, _, err := verify(t, knowsBob(client.Pinned))
	if err != nil {
		t.Fatal(err)
	}
	lines := crypto.SafetyLines(number)
	want := "name    bob\ntrust   the relay's word at the first contact; numbers were not compared\nnumber  " + lines[0] + "\n        " + lines[1] + "\n        " + lines[2] + "\n"
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	out, _, err = verify(t, knowsBob(client.Changed))
	for i := range lines { // side by side
		if line := lines[i] + "      " + crypto.SafetyLines(offered)[i]; !strings.Contains(out, line) {
			t.Errorf("no line %q in\n%s", line, out)
		}
	}
	for _, part := range []string{"begun anew", "poses as bob", "Nothing new is sent", "chat verify bob --keep-old-key", "chat verify bob --take-new-key NUMBER"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in\n%v", part, err)
		}
	}
	_, _, err = verify(t, knowsBob(client.Pinned), "--match", offered)
	if !errors.Is(err, client.ErrConflict) || !strings.Contains(err.Error(), "nothing was marked") || !strings.Contains(err.Error(), "stand between you") {
		t.Errorf("numbers that differ: %v", err)
	}
	_, told, _ := verify(t, knowsBob(client.Changed), "--take-new-key", offered)
	if !strings.Contains(told, "chat connect bob") {
		t.Errorf("a new key: %q", told)
	}
}

func TestVerifyJSON(t *testing.T) {
	for _, trust := range []client.Trust{client.Pinned, client.Changed} {
		p := knowsBob(trust)
		out, _, _ := verify(t, p, "--json")
		var got client.Safety
		if err := json.Unmarshal([]byte(out), &got, json.RejectUnknownMembers(true)); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p.safety, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", trust, diff)
		}
	}
	if out, _, err := verify(t, knowsBob(client.Pinned), "--json", "--match", number); err != nil || !strings.Contains(out, `"trust":"verified"`) {
		t.Errorf("%s, %v", out, err)
	}
}

// The code is drawn where it has room, dark on light.
func TestCode(t *testing.T) {
	qr := crypto.SafetyQR(alice, bob)
	if code(qr, false, 200) != "" || code(qr, true, 40) != "" {
		t.Error("it is drawn where it cannot be read")
	}
	for env, paint := range map[string]string{"": "\x1b[38;5;16;48;5;231m", "1": "\x1b[7m"} {
		t.Setenv("NO_COLOR", env)
		lines := strings.Split(strings.Trim(code(qr, true, 80), "\n"), "\n")
		for _, l := range lines {
			inner, painted := strings.CutPrefix(l, paint)
			inner, ended := strings.CutSuffix(inner, "\x1b[m")
			if !painted || !ended || utf8.RuneCountInString(inner) != 2*len(lines)-1 {
				t.Errorf("%q", l)
			}
		}
	}
}

func TestMarks(t *testing.T) {
	for trust, want := range map[client.Trust]string{client.Pinned: "", client.Verified: "  ✓ verified", client.Changed: "  ! key changed", "": ""} {
		var b bytes.Buffer
		if err := printContact(&b, client.Contact{Name: "bob", State: client.Accepted, Fingerprint: "aaaa", Trust: trust, Unread: 2}); err != nil {
			t.Fatal(err)
		}
		if want := "bob                  contact    aaaa" + want + "  2 unread\n"; b.String() != want {
			t.Errorf("%q, want %q", b.String(), want)
		}
	}
}
