package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"secure-messaging/internal/keyring"
	"secure-messaging/internal/profile"
)

func (a *app) newPasswd() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "passwd",
		Short: "Change the passphrase of the account on this machine",
		Long: `Change the passphrase that seals the account on this disk. It may be open meanwhile. Whoever has
copied the profile before, and knows the old passphrase, can still open that copy.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&file, "new-passphrase-file", "", "file whose first line is the new passphrase")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		defer a.closeTerminal()
		ref, err := a.choose(cmd, profile.Last)
		if err != nil {
			return err
		}
		if file == "" {
			if _, err := a.terminal("A new passphrase is asked for at a terminal, and there is none. Give --new-passphrase-file FILE."); err != nil {
				return err
			}
		}
		old, err := a.proven(cmd.Context(), ref)
		if err != nil {
			return err
		}
		defer clear(old)
		a.passphraseFile = file // from here on it is the new one that is wanted
		fresh, err := a.newPassphrase(cmd.Context(), ref.Name)
		if err != nil {
			return err
		}
		defer clear(fresh)
		if err := profile.ChangePassphrase(ref, old, fresh, a.cost); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s at %s has a new passphrase\n", ref.Name, ref.Server)
		if keyring.Kept(ref) {
			return keyring.Keep(cmd.Context(), ref, fresh)
		}
		return nil
	}
	return cmd
}
