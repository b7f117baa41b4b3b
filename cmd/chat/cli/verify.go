package cli

import (
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"secure-messaging/internal/terminal"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

// verification is what chat verify was asked to do, besides showing.
type verification struct {
	match    string // the number or code that the other side shows
	unverify bool
	keep     bool
	take     string // the number under the new key
	asJSON   *bool
}

func (a *app) newVerify() *cobra.Command { return a.verifyOn(a.with) }

// verifyOn is chat verify on the account that with gives.
func (a *app) verifyOn(with func(*cobra.Command, func(*call) error) error) *cobra.Command {
	var v verification
	cmd := &cobra.Command{
		Use:   "verify NAME",
		Short: "Compare safety numbers with a contact, and mark them verified",
		Long: `Show the safety number that you and a contact share. They see the same one, unless somebody
stands between you: ask for it by another way than this chat, side by side or on the phone. At
a terminal you are then asked whether the two are the same, and a yes marks them verified.

When another key is shown in their name, nothing is sent to them any more, and this command
shows both numbers and ends with exit code 15. If the number that they see is the known one,
refuse the other key with --keep-old-key. If they have begun anew and the number that they see
is the new one, give it with --take-new-key; then they have to be asked again: chat connect.`,
		Example: `  chat verify bob
  chat verify bob --match "18100 30129 54116 62862 07473 95152 47722 72244 03706 22931 34967 09480"`,
		Args: cobra.ExactArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&v.match, "match", "", "the number that they see, or the text of the QR code that they show: mark them verified if it fits")
	flags.BoolVar(&v.unverify, "unverify", false, "take the mark back, or the refusal of a key")
	flags.BoolVar(&v.keep, "keep-old-key", false, "refuse the other key that is shown in their name")
	flags.StringVar(&v.take, "take-new-key", "", "take the other key: the number under it, as they see it")
	v.asJSON = jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		decide, err := v.decision(cmd)
		if err != nil {
			return err
		}
		return with(cmd, func(c *call) error {
			f, err := c.Safety(c.ctx, args[0])
			switch {
			case err != nil:
				return err
			case decide == nil:
				return a.show(c, f, *v.asJSON)
			}
			if err := decide(c, f); err != nil || !*v.asJSON {
				return err
			}
			if f, err = c.Safety(c.ctx, args[0]); err != nil {
				return err
			}
			return printJSON(cmd.OutOrStdout(), f)
		})
	}
	return cmd
}

// decision gives what the flags ask for, or nil where that is only to show.
func (v *verification) decision(cmd *cobra.Command) (func(*call, client.Safety) error, error) {
	var asked []func(*call, client.Safety) error
	if cmd.Flags().Changed("match") {
		asked = append(asked, func(c *call, f client.Safety) error { return c.match(f, v.match) })
	}
	if v.unverify {
		asked = append(asked, (*call).unverify)
	}
	if v.keep {
		asked = append(asked, (*call).keepKey)
	}
	if cmd.Flags().Changed("take-new-key") {
		asked = append(asked, func(c *call, f client.Safety) error { return c.takeKey(f, v.take) })
	}
	switch len(asked) {
	case 0:
		return nil, nil
	case 1:
		return asked[0], nil
	}
	return nil, wrongUsage("--match, --unverify, --keep-old-key and --take-new-key do not go together: give one of them.")
}

// show prints what there is to compare, and asks about it where somebody sees
// it. A key that has changed is an error, whoever looks.
func (a *app) show(c *call, f client.Safety, asJSON bool) error {
	out := c.cmd.OutOrStdout()
	if asJSON {
		if err := printJSON(out, f); err != nil {
			return err
		}
		return changed(f)
	}
	seen := out == os.Stdout && terminal.IsTerminal(os.Stdout)
	if err := printSafety(out, f, seen && os.Getenv("TERM") != "dumb" && !a.ascii && !plainLocale()); err != nil {
		return err
	}
	if err := changed(f); err != nil {
		return err
	}
	if !seen || f.Trust == client.Verified {
		return nil
	}
	t, err := a.terminal("")
	if err != nil {
		return nil // nobody to ask: it is shown
	}
	defer a.closeTerminal()
	t.Say("Ask %s for the number that they see, by another way than this chat.\n", f.Name)
	same, err := t.Confirm(c.ctx, "Is it the same?", f.Number)
	switch {
	case err != nil:
		return err
	case !same:
		return differs(f.Name)
	}
	return c.verified(f)
}

// changed is the error of a key that the user has to decide about.
func changed(f client.Safety) error {
	if f.Trust != client.Changed {
		return nil
	}
	return &client.Error{Code: client.CodePeerChanged, Text: fmt.Sprintf("Another key is shown in the name of %[1]s. Either %[1]s has begun anew, after a loss for instance, or somebody poses as %[1]s, now or from the beginning: the relay, or whoever has broken into it. Nothing new is sent to them until you have decided. Ask %[1]s for their number, by another way than this chat.\n"+
		"If it is the one known so far: chat verify %[1]s --keep-old-key\n"+
		"If it is the new one:          chat verify %[1]s --take-new-key NUMBER", f.Name)}
}

// differs is the error of numbers that are not the same.
func differs(name string) error {
	return &client.Error{Code: client.CodeConflict, Text: fmt.Sprintf("That is not the number that you and %[1]s share on this side; nothing was marked. Compare again, digit by digit. If they go on to differ, somebody may stand between you and read along: the relay has given one of you another key than the other's own. Say nothing that matters here, and talk to %[1]s, and to whoever runs the relay, by another way.", name)}
}

func (c *call) verified(f client.Safety) error {
	_, err := c.Trust(c.ctx, f.Name, client.MarkVerified, f.Number)
	return c.done(err, "%s is marked verified\n", f.Name)
}

// done says on success what was done.
func (c *call) done(err error, format string, args ...any) error {
	if err == nil {
		_, err = fmt.Fprintf(c.cmd.ErrOrStderr(), format, args...)
	}
	return err
}

// match marks a contact verified if text is what they see.
func (c *call) match(f client.Safety, text string) error {
	if err := changed(f); err != nil {
		return err
	}
	text = strings.TrimSpace(text)
	switch {
	case f.Match(text):
		return c.verified(f)
	case text == f.QR:
		return wrongUsage(fmt.Sprintf("That is the code that you show. Give the one that %s shows.", f.Name))
	case !crypto.IsSafetyQR(text):
		if _, err := safetyNumber(text); err != nil {
			return err
		}
	}
	return differs(f.Name)
}

// safetyNumber reads a number as it may be typed or pasted.
func safetyNumber(text string) (string, error) {
	number := strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, text)
	if len(number) != crypto.SafetyDigits || strings.Trim(number, "0123456789") != "" {
		return "", wrongUsage(fmt.Sprintf("A safety number is %d digits, with or without blanks between them.", crypto.SafetyDigits))
	}
	return number, nil
}

func (c *call) unverify(f client.Safety) error {
	_, err := c.Trust(c.ctx, f.Name, client.MarkPinned, f.Number)
	return c.done(err, "%s is not marked verified any more\n", f.Name)
}

func (c *call) keepKey(f client.Safety) error {
	if err := undecided(f); err != nil {
		return err
	}
	_, err := c.Trust(c.ctx, f.Name, client.KeepKey, f.Number)
	return c.done(err, "the key of %s stays; the other one is refused from now on\n", f.Name)
}

func (c *call) takeKey(f client.Safety, text string) error {
	number, err := safetyNumber(text)
	if err != nil {
		return err
	}
	if err := undecided(f); err != nil {
		return err
	}
	_, err = c.Trust(c.ctx, f.Name, client.TakeKey, number)
	return c.done(err, "the new key of %[1]s is taken; next: chat connect %[1]s\n", f.Name)
}

// undecided fails where there is nothing to decide.
func undecided(f client.Safety) error {
	if f.Trust == client.Changed {
		return nil
	}
	return &client.Error{Code: client.CodeConflict, Text: fmt.Sprintf("No other key is shown in the name of %[1]s. See: chat verify %[1]s", f.Name)}
}
