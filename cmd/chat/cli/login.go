package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"

	"github.com/spf13/cobra"

	"secure-messaging/internal/agent"
	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/keyfile"
)

func (a *app) newLogin() *cobra.Command {
	var server, invite string
	var noTUI bool
	cmd := &cobra.Command{
		Use:   "login NAME",
		Short: "Make an account, or open it",
		Long: `Make an account, or open one that is on this machine already. The first time, it makes the
keys, asks for a passphrase that seals them on this disk, and registers NAME at the relay.
Then it opens the terminal interface; where there is no terminal, it sees whether the relay lets
the account in, and says who it is.

A relay without a certificate of a public authority is known by the fingerprint of its key.
Give it behind a # in --server, or compare it when you are asked.`,
		Example: `  chat login alice
  chat login alice --server 'wss://chat.example.org:8443#FINGERPRINT'
  chat login alice --invite 'wss://chat.example.org:8443/?invite=CODE#FINGERPRINT'
  chat login buildbot --passphrase-file /run/secrets/chat --no-tui`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.login(cmd, args[0], server, invite, noTUI) },
	}
	cmd.Flags().StringVar(&server, "server", "", "the relay, wss://host:port#FINGERPRINT (default: the last one used, else "+client.DefaultServer+")")
	cmd.Flags().StringVar(&invite, "invite", "", "the link of an invite, in place of --server, where the relay asks for one")
	cmd.MarkFlagsMutuallyExclusive("server", "invite")
	cmd.Flags().BoolVar(&noTUI, "no-tui", false, "do not open the terminal interface")
	return cmd
}

func (a *app) login(cmd *cobra.Command, name, server, invite string, noTUI bool) error {
	show := a.screenOf(noTUI)
	settings, err := a.settings(show)
	if err != nil {
		return err
	}
	acc, err := a.loginTo(cmd, name, server, invite)
	if err != nil {
		return err
	}
	profile.TouchOpened(acc.Ref) // a convenience; losing it loses nothing
	if !show {
		c := &call{Account: acc, ctx: cmd.Context(), cmd: cmd}
		return errors.Join(c.run((*call).sayLogin), acc.Close(linger))
	}
	return a.screen(cmd, acc, settings)
}

// loginTo opens the profile of the name, or makes it.
func (a *app) loginTo(cmd *cobra.Command, name, server, invite string) (*owner.Account, error) {
	defer a.closeTerminal()
	where, code, given, err := chooseServer(server, invite)
	if err != nil {
		return nil, err
	}
	at := ""
	if given {
		at = where.Address()
	}
	ref, found, err := profile.Find(name, at)
	if err != nil {
		return nil, err
	}
	if !found {
		return a.create(cmd, name, where, code)
	}
	acc, err := owner.Open(cmd.Context(), ref, a.passphrase(ref))
	if err != nil {
		return nil, err
	}
	if given {
		err = expect(cmd.Context(), acc, where.Pin)
	}
	acc.Invite = code
	if err == nil {
		err = acc.Register(cmd.Context())
	}
	if err != nil {
		return nil, errors.Join(err, acc.Close(0))
	}
	return acc, nil
}

// expect refuses an account that knows its relay by another key than the one
// that was given, if one was: whoever gives it wants it checked.
func expect(ctx context.Context, acc *owner.Account, pin crypto.Fingerprint) error {
	id, err := acc.Identity(ctx)
	if err != nil || pin == "" || string(pin) == id.RelayPin {
		return err
	}
	return &client.Error{Code: client.CodeKeyChanged, Text: fmt.Sprintf("%s knows the relay at %s by another key (%s) than the one given (%s). Ask its operator which is right.", id.Username, id.Server, id.RelayPin, pin)}
}

// chooseServer reads --server or --invite, or takes the last server that was used.
func chooseServer(flag, invite string) (s client.Server, code crypto.InviteCode, given bool, err error) {
	if invite != "" {
		s, code, err = client.ParseInvite(invite)
		return s, code, true, err
	}
	if flag != "" {
		s, err = client.ParseServer(flag)
		return s, code, true, err
	}
	if s, ok := profile.LastServer(); ok {
		return s, code, false, nil
	}
	s, err = client.ParseServer(client.DefaultServer)
	return s, code, false, err
}

func (a *app) create(cmd *cobra.Command, name string, server client.Server, invite crypto.InviteCode) (*owner.Account, error) {
	acc, err := owner.Create(cmd.Context(), owner.Creation{
		Name: name, Server: server, Invite: invite, Cost: a.cost,
		Trust:      a.trust,
		Passphrase: func(ctx context.Context) ([]byte, error) { return a.newPassphrase(ctx, name) },
		Place:      func(name string, s client.Server) (profile.Ref, error) { return profile.RefFor(name, s.Address()) },
	})
	if errors.Is(err, client.ErrTaken) {
		return nil, errors.Join(err, elsewhere(name))
	}
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "registered %s at %s\n", name, acc.Ref.Server)
	return acc, nil
}

// elsewhere reminds of accounts of that name that are on this machine, perhaps
// at the same relay under another of its addresses.
func elsewhere(name string) error {
	ref, found, err := profile.Find(name, "")
	if err != nil || !found {
		return err
	}
	return &client.Error{Code: client.CodeTaken, Text: fmt.Sprintf("If you mean %[1]s@%[2]s, which is on this machine: chat login %[1]s --server wss://%[2]s", name, ref.Server)}
}

// trust asks whether the relay's fingerprint is the right one.
func (a *app) trust(ctx context.Context, s client.Server) error {
	t, err := a.terminal("")
	if err != nil {
		return wrongUsage(fmt.Sprintf("The relay at %s is not known yet. Its fingerprint is %s. If that is what its operator says, give it: --server '%s'", s.Address(), s.Pin, s))
	}
	t.Say("The relay at %s shows the fingerprint\n\n    %s\n\n", s.Address(), s.Pin)
	t.Say("Its operator sees the same one where it runs. From now on only that relay is accepted.\n")
	t.Say("(Is another relay running there? Then log in with the line that yours printed.)\n")
	yes, err := t.Confirm(ctx, "Is it the same?", string(s.Pin))
	if err != nil {
		return err
	}
	if !yes {
		return &client.Error{Code: client.CodeRefused, Text: "Nothing was created. Compare the fingerprint with the relay's operator, and log in again."}
	}
	return nil
}

func (a *app) newPassphrase(ctx context.Context, name string) ([]byte, error) {
	if a.passphraseFile != "" {
		secret, err := readPassphraseFile(ctx, a.passphraseFile)
		if err == nil && len(secret) < keyfile.MinPassphrase {
			clear(secret)
			return nil, wrongUsage(fmt.Sprintf("The passphrase in %s is too short: at least %d bytes.", a.passphraseFile, keyfile.MinPassphrase))
		}
		return secret, err
	}
	t, err := a.terminal("A new account needs a passphrase, and there is no terminal to ask at. Give --passphrase-file FILE.")
	if err != nil {
		return nil, err
	}
	t.Say("A passphrase seals the keys and messages of %s on this disk. Nobody can bring it back.\n", name)
	for {
		first, err := t.Secret(ctx, fmt.Sprintf("New passphrase, at least %d characters: ", keyfile.MinPassphrase))
		if err != nil {
			return nil, err
		}
		if len(first) < keyfile.MinPassphrase {
			clear(first)
			t.Say("Too short: at least %d characters.\n", keyfile.MinPassphrase)
			continue
		}
		again, err := t.Secret(ctx, "The same again: ")
		if err != nil {
			return nil, err
		}
		same := bytes.Equal(first, again)
		clear(again)
		if same {
			return first, nil
		}
		clear(first)
		t.Say("The two differ.\n")
	}
}

// sayLogin says who the account is, for those who do not get to see the screen,
// once the relay has let it in. One that cannot be reached keeps nobody out.
func (c *call) sayLogin() error {
	err := c.connected(defaultTimeout)
	switch {
	case errors.Is(err, client.ErrUnreachable):
		if s, err := c.Status(c.ctx); err == nil && s.Code == client.CodeRefused {
			return &client.Error{Code: s.Code, Text: s.Reason}
		}
		fmt.Fprintln(c.cmd.ErrOrStderr(), err)
	case err != nil:
		return err
	}
	id, err := c.Identity(c.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.cmd.ErrOrStderr(), "%s at %s, fingerprint %s\n", id.Username, id.Server, id.Fingerprint)
	fmt.Fprintf(c.cmd.ErrOrStderr(), "next: chat connect NAME --as %s\n", id.Username)
	return nil
}

// openLast opens the interface on the account that choose gives.
func (a *app) openLast(cmd *cobra.Command) error {
	if !a.screenOf(false) {
		return wrongUsage("There is no terminal for the interface. For scripts there are chat send, listen and history; see: chat --help")
	}
	settings, err := a.settings(true)
	if err != nil {
		return err
	}
	acc, err := a.openUsed(cmd, profile.LastOpened)
	if err != nil {
		return err
	}
	if err := acc.Registered(); err != nil {
		return errors.Join(err, acc.Close(0))
	}
	profile.TouchOpened(acc.Ref)
	return a.screen(cmd, acc, settings)
}

// quick is on how many threads the interface runs at least. With one for each
// of few processors, a key waits until a goroutine that opens messages gives its
// thread up; the system's scheduler lets a thread go first that has slept.
const quick = 8

// screen runs the interface on an account and closes it.
func (a *app) screen(cmd *cobra.Command, acc *owner.Account, s settings) error {
	if os.Getenv("GOMAXPROCS") == "" && runtime.GOMAXPROCS(0) < quick {
		runtime.GOMAXPROCS(quick)
	}
	acc.Kind = agent.Screen
	err := acc.Start()
	if err == nil {
		err = s.run(cmd.Context(), acc)
	}
	return errors.Join(err, acc.Close(screenLinger))
}
