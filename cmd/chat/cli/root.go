// Package cli is the client's command line: flags to calls on an account, and
// nothing else. Data goes to standard output, all the rest to standard error.
package cli

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"secure-messaging/internal/interrupt"
	"secure-messaging/internal/manual"
	"secure-messaging/internal/usage"
	"secure-messaging/internal/version"
	"secure-messaging/pkg/crypto/keyfile"
)

// Main runs the command line of this process and returns its exit code.
func Main() int { return MainWithCost(keyfile.DefaultCost) }

// MainWithCost is Main with another price for a guess at the passphrase of a
// new profile.
func MainWithCost(cost keyfile.Cost) int {
	ctx, stop := interrupt.Context()
	defer stop()
	err := newRoot(&app{cost: cost}).ExecuteContext(ctx)
	code := exitCode(err)
	switch {
	case code == exitInterrupted:
		fmt.Fprintln(os.Stderr)
	case err != nil:
		fmt.Fprintln(os.Stderr, "chat:", err)
	}
	return code
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "chat",
		Short: "Private chat in the terminal, end-to-end encrypted",
		Long: `Private chat in the terminal, end-to-end encrypted.

  chat demo                    look around: a relay, a friend, nothing left behind
  chat login alice             make an account, or open it
  chat connect bob             ask bob to be a contact
  echo "done" | chat send bob  send from a script
  chat                         open the account used last

Exit codes: 0 done, 2 wrong usage, 3 locked, 4 no such user, 5 not a contact, 6 relay
unreachable, 7 the relay's key changed, 8 too many requests, 9 timed out, 10 name taken,
11 not found, 12 refused, 13 disk, 14 profile in use, 15 a contact's key changed, 16 another
safety number, 17 partly sent, 130 interrupted, 1 anything else.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return a.openLast(cmd) },
	}
	flags := root.PersistentFlags()
	flags.StringVar(&a.as, "as", "", "account to use: NAME, or NAME@host:port where one name is at two relays")
	flags.StringVar(&a.as, "profile", "", "the same as --as")
	flags.StringVar(&a.passphraseFile, "passphrase-file", "", "file whose first line is the passphrase")
	flags.BoolVar(&a.ascii, "ascii", false, "signs and lines of the interface in ASCII")
	flags.BoolVar(&a.linear, "linear", false, "the interface for screen readers: lines that are only ever added")
	flags.BoolVar(&a.noInput, "no-input", false, "never ask; fail where an answer is needed")
	root.AddCommand(
		a.newLogin(), a.newLogout(), a.newWhoami(), a.newConnect(), a.newRequests(), a.newAccept(), a.newReject(), a.newBlock(), a.newContacts(), a.newGroup(), a.newVerify(),
		a.newSend(), a.newSave(), a.newListen(), a.newConsumers(), a.newHistory(), a.newExport(), a.newRPC(),
		a.newAgent(), a.newLock(), a.newKeyring(), a.newPasswd(), a.newBackup(), a.newRestore(), a.newDoctor(),
		a.newDemo(), a.newConfig(), manual.Command(func(err error) error { return wrongUsage(err.Error()) }),
	)
	a.complete(root)
	version.Add(root)
	usage.Mark(root, func(err error) error { return wrongUsage(err.Error()) })
	return root
}
