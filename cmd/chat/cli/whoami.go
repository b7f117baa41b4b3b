package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"secure-messaging/internal/keyring"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

func (a *app) newWhoami() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "whoami",
		Short: "Say who the account is: name, relay, fingerprint",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		acc, err := a.open(cmd) // not started: it says nothing to the relay
		if err != nil {
			return err
		}
		id, err := acc.Identity(cmd.Context())
		if err = errors.Join(err, acc.Close(0)); err != nil {
			return err
		}
		out := cmd.OutOrStdout()
		if *asJSON {
			return printJSON(out, id)
		}
		_, err = fmt.Fprintf(out, "name         %s\nrelay        %s\nfingerprint  %s\ndevice       %s\nrelay's pin  %s\nprofile      %s\n",
			id.Username, id.Server, id.Fingerprint, id.Device, id.RelayPin, id.Profile)
		return err
	}
	return cmd
}

func (a *app) newLogout() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "logout NAME",
		Short: "Remove an account from this machine, with all its keys and messages",
		Long: `Remove an account from this machine, with all its keys and messages. There is no way back:
without the keys nobody can use the name any more, and the relay never gives it to anyone else.
To leave chat, just quit it: the profile is sealed on the disk.`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ref, err := named(args[0])
		if err != nil {
			return err
		}
		if !yes {
			if err := a.confirmLogout(cmd, ref); err != nil {
				return err
			}
		}
		kept := keyring.Kept(ref)
		if err := profile.Remove(ref); err != nil {
			if errors.Is(err, client.ErrBusy) {
				return &client.Error{Code: client.CodeBusy, Err: err, Text: fmt.Sprintf("chat is open on %s. Quit it first (an agent: chat agent stop), then log out.", ref.Name)}
			}
			return err
		}
		if kept {
			if err := keyring.Forget(cmd.Context(), ref); err != nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "its passphrase is still in the keyring: %v\n", err)
			}
		}
		_, err = fmt.Fprintf(cmd.ErrOrStderr(), "%s at %s is removed from this machine\n", ref.Name, ref.Server)
		return err
	}
	return cmd
}

// confirmLogout wants the name typed again.
func (a *app) confirmLogout(cmd *cobra.Command, ref profile.Ref) error {
	t, err := a.terminal("")
	if err != nil {
		return wrongUsage("Logging out destroys the keys and messages of " + ref.Name + " on this machine. To confirm, give --yes.")
	}
	defer a.closeTerminal()
	t.Say("This destroys the keys and messages of %s at %s on this machine.\nThe name can never be used again, by you or by others.\n", ref.Name, ref.Server)
	answer, err := t.Line(cmd.Context(), "Type the name to go on: ")
	if err != nil {
		return err
	}
	if answer != ref.Name {
		return &client.Error{Code: client.CodeRefused, Text: "Nothing was removed."}
	}
	return nil
}
