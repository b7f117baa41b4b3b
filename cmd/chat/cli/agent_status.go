package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/agent"
	"secure-messaging/internal/keyring"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

// held is who holds a profile, as agent status prints it.
type held struct {
	Account string           `json:"account"`
	Server  string           `json:"server"`
	Kind    agent.Kind       `json:"kind,omitempty"` // empty: nobody
	PID     int              `json:"pid,omitempty"`
	Since   time.Time        `json:"since,omitzero"`
	State   client.ConnState `json:"state,omitempty"`
	Waiting int              `json:"waiting"` // for the relay
	Socket  string           `json:"socket"`
}

func (a *app) newAgentStatus() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Say which accounts are open, and in what",
		Long: `Say of each account, or of the one that --as names, whether a process has it open: an agent, a
screen or a command. Ends with 11 where none of them is open.`,
		Args: cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		refs, err := a.meant()
		if err != nil {
			return err
		}
		open := false
		for _, ref := range refs {
			h, err := holderOf(cmd.Context(), ref)
			if err != nil {
				return err
			}
			open = open || h.Kind != ""
			if *asJSON {
				err = printJSON(cmd.OutOrStdout(), h)
			} else {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), h)
			}
			if err != nil {
				return err
			}
		}
		if !open {
			return &client.Error{Code: client.CodeNotFound, Text: "Nothing has an account open. Start an agent with: chat agent start"}
		}
		return nil
	}
	return cmd
}

// meant are the profiles that a command is about: the one of --as, or all.
func (a *app) meant() ([]profile.Ref, error) {
	if a.as != "" {
		ref, err := named(a.as)
		return []profile.Ref{ref}, err
	}
	return profile.List()
}

func holderOf(ctx context.Context, ref profile.Ref) (held, error) {
	h := held{Account: ref.Name, Server: ref.Server}
	var err error
	if h.Socket, err = profile.SocketPath(ref); err != nil {
		return h, err
	}
	r, err := attached(ctx, ref)
	if err != nil || r == nil {
		return h, err
	}
	defer r.Close()
	holder, err := r.Holder(ctx)
	if err != nil {
		return h, err
	}
	s, err := r.Status(ctx)
	h.Kind, h.PID, h.Since, h.State, h.Waiting = holder.Kind, holder.PID, holder.Since, s.State, s.Waiting
	return h, err
}

func (h held) String() string {
	if h.Kind == "" {
		return fmt.Sprintf("%s at %s: not open", h.Account, h.Server)
	}
	text := fmt.Sprintf("%s at %s: open in a %s (process %d) since %s, %s", h.Account, h.Server, h.Kind, h.PID, h.Since.Local().Format(time.DateTime), h.State)
	if h.Kind == agent.Agent {
		text = fmt.Sprintf("%s at %s: an agent (process %d) since %s, %s", h.Account, h.Server, h.PID, h.Since.Local().Format(time.DateTime), h.State)
	}
	if h.Waiting > 0 {
		text += fmt.Sprintf(", %d waiting to leave", h.Waiting)
	}
	return text
}

func (a *app) newLock() *cobra.Command {
	var forget bool
	cmd := &cobra.Command{
		Use:   "lock",
		Short: "End agents, so that the passphrase is asked for again",
		Long: `End the agents of all accounts, or of the one that --as names, and clear their keys from memory:
from then on nothing of the account is read or sent without its passphrase. A screen that is open
is not closed; it is named, and the exit code is 14.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&forget, "forget", false, "take passphrases out of the desktop's keyring, too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		refs, err := a.meant()
		if err != nil {
			return err
		}
		for _, ref := range refs {
			_, stopErr := stopAgent(cmd.Context(), ref)
			err = errors.Join(err, stopErr)
			switch {
			case forget && keyring.Kept(ref):
				err = errors.Join(err, keyring.Forget(cmd.Context(), ref))
			case keyring.Kept(ref):
				fmt.Fprintf(cmd.ErrOrStderr(), "the keyring has the passphrase of %s, and gives it to all that run in your session; --forget takes it out\n", ref.Name)
			}
			if stopErr == nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s at %s is locked\n", ref.Name, ref.Server)
			}
		}
		return err
	}
	return cmd
}
