package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"secure-messaging/internal/keyring"
	"secure-messaging/internal/profile"
)

func (a *app) newKeyring() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keyring",
		Short: "Keep the passphrase in the desktop's keyring, or forget it there",
		Long: `Keep the passphrase of the account in the keyring of the desktop: the Secret Service of Linux
(GNOME Keyring, KWallet, KeePassXC), the Keychain of macOS, the Credential Manager of Windows. Then
commands ask for none while you are logged in there, and neither does any other program of yours.`,
		Args: cobra.NoArgs,
	}
	cmd.AddCommand(&cobra.Command{
		Use:   "keep",
		Short: "Put the passphrase into the keyring",
		Args:  cobra.NoArgs,
		RunE:  a.keepPassphrase,
	}, &cobra.Command{
		Use:   "forget",
		Short: "Take the passphrase out of the keyring",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ref, err := a.choose(cmd, profile.Last)
			if err == nil {
				err = keyring.Forget(cmd.Context(), ref)
			}
			if err == nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "the keyring has no passphrase of %s at %s\n", ref.Name, ref.Server)
			}
			return err
		},
	})
	return cmd
}

// keepPassphrase asks for the passphrase, and keeps none that is wrong.
func (a *app) keepPassphrase(cmd *cobra.Command, _ []string) error {
	defer a.closeTerminal()
	ref, err := a.choose(cmd, profile.Last)
	if err != nil {
		return err
	}
	secret, err := a.proven(cmd.Context(), ref)
	if err != nil {
		return err
	}
	defer clear(secret)
	if err := keyring.Keep(cmd.Context(), ref, secret); err != nil {
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "the passphrase of %s at %s is in the keyring; chat keyring forget takes it out\n", ref.Name, ref.Server)
	return nil
}
