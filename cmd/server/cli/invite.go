package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"secure-messaging/internal/qr"
	"secure-messaging/internal/relayadmin"
	"secure-messaging/pkg/crypto"
)

func newInvite() *cobra.Command {
	return group("invite", "Make invites to the running relay, list and revoke them",
		`Let people register at a relay that runs with --registration invite. An invite is a link: it holds
the relay's address, its fingerprint and a code, and whoever has it can use it. Send it where you
would send a password. The relay keeps a hash of the code alone.`,
		newInviteCreate(), newInviteList(), newInviteRevoke())
}

func newInviteCreate() *cobra.Command {
	var o operator
	var uses uint32
	var expires, note string
	var noQR bool
	cmd := &cobra.Command{
		Use: "create", Short: "Make an invite, and print its link", Args: cobra.NoArgs,
		Long: `Make an invite, and print its link and, in a terminal, a QR code of it. This is the only time that it
is shown. Who gets it types chat login NAME --invite 'LINK'. The address in it is the one that serve
said at its start: behind a proxy, give that with serve --public.`,
		Example: `  server invite create
  server invite create --uses 20 --expires 2d --note 'the workshop'`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			lasts, err := parseDays(expires)
			if err != nil {
				return usageError{fmt.Errorf("--expires: %w", err)}
			}
			if !utf8.ValidString(note) {
				return usageError{errors.New("--note is a text in UTF-8")}
			}
			relay, err := o.call(cmd)
			if err != nil {
				return err
			}
			about, err := relay.Relay(cmd.Context())
			if err != nil {
				return err
			}
			made, err := relay.Invite(cmd.Context(), relayadmin.Order{Uses: uses, Seconds: int64(lasts / time.Second), Note: note})
			if err != nil {
				return err
			}
			link, err := inviteLink(about.URL, made.Code, about.Fingerprint)
			if err != nil {
				return err
			}
			if about.Registration != "invite" {
				fmt.Fprintf(cmd.ErrOrStderr(), "registration is %s now: the code is looked at once the relay runs with --registration invite\n", about.Registration)
			}
			if o.asJSON {
				return printJSON(cmd.OutOrStdout(), madeInvite{made.Invite, link})
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "invite %s: %s, until %s. Who has this link types:\n  chat login NAME --invite '%s'\n", made.ID, useCount(made.Uses), made.Expires.Local().Format("2 January 2006 15:04"), link)
			if !noQR && term.IsTerminal(int(os.Stderr.Fd())) {
				columns, _ := screen(os.Stderr)
				printQR(cmd.ErrOrStderr(), link, columns)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), link)
			return err
		},
	}
	o.add(cmd)
	flags := cmd.Flags()
	flags.Uint32Var(&uses, "uses", 1, "how many people may register by it")
	flags.StringVar(&expires, "expires", "7d", "how long it can be used: 30m, 12h, 7d")
	flags.StringVar(&note, "note", "", "a line for yourself, to tell invites apart")
	flags.BoolVar(&noQR, "no-qr", false, "no QR code")
	return cmd
}

// madeInvite is an invite with its link, as --json prints it.
type madeInvite struct {
	relayadmin.Invite
	Link string `json:"link"`
}

func useCount(n uint32) string {
	if n == 1 {
		return "for one person"
	}
	return fmt.Sprintf("for %d people", n)
}

// inviteLink puts into one line what it takes to register.
func inviteLink(base string, code crypto.InviteCode, pin crypto.Fingerprint) (string, error) {
	text, err := code.MarshalText()
	return fmt.Sprintf("%s/?invite=%s#%s", base, text, pin), err
}

// printQR draws a link, dark on light by the terminal's own colours, if it fits:
// nobody can scan one whose lines are broken.
func printQR(w io.Writer, link string, columns int) {
	lines, err := qr.Lines(link)
	if err != nil {
		return // the link stands there as text
	}
	if need := utf8.RuneCountInString(lines[0]); need > columns {
		fmt.Fprintf(w, "(a QR code takes a window of %d columns)\n", need)
		return
	}
	for _, l := range lines {
		fmt.Fprintf(w, "\x1b[30;47m%s\x1b[0m\n", l)
	}
}

// parseDays reads a duration that may be in days.
func parseDays(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, fmt.Errorf("%q is no number of days", s)
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is no time; write it like 30m, 12h or 7d", s)
	}
	return d, nil
}

func newInviteList() *cobra.Command {
	var o operator
	cmd := &cobra.Command{
		Use: "list", Short: "List invites, also those that are used up", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			relay, err := o.call(cmd)
			if err != nil {
				return err
			}
			list, err := relay.Invites(cmd.Context())
			if err != nil {
				return err
			}
			if o.asJSON {
				return printJSON(cmd.OutOrStdout(), list...)
			}
			return table(cmd.OutOrStdout(), func(row func(string, ...any)) {
				row("ID\tLEFT\tEXPIRES\tNOTE")
				for _, i := range list {
					ends := i.Expires.Local().Format("2006-01-02 15:04")
					if !time.Now().Before(i.Expires) {
						ends = "expired"
					}
					row("%s\t%d of %d\t%s\t%s", i.ID, i.Left, i.Uses, ends, i.Note)
				}
			})
		},
	}
	o.add(cmd)
	return cmd
}

func newInviteRevoke() *cobra.Command {
	var o operator
	cmd := &cobra.Command{
		Use: "revoke ID...", Short: "Make invites worth nothing", Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids := make([]crypto.InviteID, len(args))
			for i, arg := range args {
				if ids[i].UnmarshalText([]byte(arg)) != nil {
					return usageError{errors.New("the id of an invite is 16 hex digits, as server invite list shows")}
				}
			}
			relay, err := o.call(cmd)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := relay.Revoke(cmd.Context(), id); err != nil {
					return fmt.Errorf("%s: %w", id, err)
				}
				if _, err := fmt.Fprintf(cmd.ErrOrStderr(), "invite %s is revoked\n", id); err != nil {
					return err
				}
			}
			return nil
		},
	}
	o.addData(cmd)
	return cmd
}
