package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"secure-messaging/internal/keyring"
	"secure-messaging/internal/owner"
	"secure-messaging/internal/profile"
	"secure-messaging/internal/terminal"
	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto/keyfile"
)

// app holds the flags that every command has.
type app struct {
	as             string
	passphraseFile string
	noInput        bool
	ascii          bool
	linear         bool
	cost           keyfile.Cost // of the passphrase of a new profile

	tty *terminal.Terminal // while questions are asked
}

// choose finds the profile that --as names, or else the only one, or else the
// one used last; then it says which, for there was a choice.
func (a *app) choose(cmd *cobra.Command, used func() (profile.Ref, bool)) (profile.Ref, error) {
	if a.as != "" {
		return named(a.as)
	}
	all, err := profile.List()
	if err != nil {
		return profile.Ref{}, err
	}
	switch len(all) {
	case 0:
		return profile.Ref{}, &client.Error{Code: client.CodeNotFound, Text: "There is no account on this machine yet. Make one with: chat login NAME, or look around first: chat demo"}
	case 1:
		return all[0], nil
	}
	last, ok := used()
	if !ok {
		return profile.Ref{}, wrongUsage("There are several accounts on this machine: " + names(all) + ". Say which with --as NAME.")
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "as %s at %s; another account: --as NAME\n", last.Name, last.Server)
	return last, nil
}

// named finds the profile of NAME or NAME@host:port.
func named(as string) (profile.Ref, error) {
	name, server, _ := strings.Cut(as, "@")
	if _, err := client.ParseName(name); err != nil {
		return profile.Ref{}, wrongUsage(fmt.Sprintf("%q is no account: names are 3 to 32 of a-z, 0-9 and _, with @host:port behind them where one name is at two relays.", as))
	}
	if server != "" {
		s, err := client.ParseServer(server)
		if err != nil {
			return profile.Ref{}, err
		}
		server = s.Address()
	}
	ref, found, err := profile.Find(name, server)
	if err != nil || found {
		return ref, err
	}
	all, err := profile.List()
	if err != nil {
		return profile.Ref{}, err
	}
	if len(all) == 0 {
		return profile.Ref{}, &client.Error{Code: client.CodeNotFound, Text: fmt.Sprintf("There is no account %q on this machine. Make it with: chat login %s", as, name)}
	}
	return profile.Ref{}, &client.Error{Code: client.CodeNotFound, Text: fmt.Sprintf("There is no account %q on this machine, but there is %s. Make a new one with: chat login %s", as, names(all), name)}
}

func names(refs []profile.Ref) string {
	var s []string
	for _, r := range refs {
		s = append(s, r.Name+"@"+r.Server)
	}
	return strings.Join(s, ", ")
}

// open gives the chosen account, not started.
func (a *app) open(cmd *cobra.Command) (*owner.Account, error) {
	acc, err := a.openUsed(cmd, profile.Last)
	if err == nil {
		profile.Touch(acc.Ref) // a convenience; losing it loses nothing
	}
	return acc, err
}

func (a *app) openUsed(cmd *cobra.Command, used func() (profile.Ref, bool)) (*owner.Account, error) {
	defer a.closeTerminal()
	ref, err := a.choose(cmd, used)
	if err != nil {
		return nil, err
	}
	return owner.Open(cmd.Context(), ref, a.passphrase(ref))
}

// passphrase gives the passphrase of a profile: from the file, or from the
// terminal.
func (a *app) passphrase(ref profile.Ref) owner.Passphrase {
	return func(ctx context.Context, try int) ([]byte, error) {
		if a.passphraseFile != "" {
			if try > 0 {
				return nil, &client.Error{Code: client.CodeLocked, Text: fmt.Sprintf("The passphrase in %s is not that of %s. Name the right file.", a.passphraseFile, ref.Name)}
			}
			return readPassphraseFile(ctx, a.passphraseFile)
		}
		if try == 0 && keyring.Kept(ref) {
			secret, err := keyring.Passphrase(ctx, ref)
			if err == nil || ctx.Err() != nil {
				return secret, err
			}
			fmt.Fprintln(os.Stderr, err)
		}
		t, err := a.terminal(fmt.Sprintf("The profile of %s is locked, and there is no terminal to ask for its passphrase at. Give --passphrase-file FILE, or leave chat open elsewhere.", ref.Name))
		if err != nil {
			return nil, err
		}
		if try > 0 && !(try == 1 && keyring.Kept(ref)) {
			t.Say("That was not it.\n")
		}
		secret, err := t.Secret(ctx, fmt.Sprintf("Passphrase of %s: ", ref.Name))
		if errors.Is(err, terminal.ErrNone) {
			err = &client.Error{Code: client.CodeLocked, Err: err, Text: "The profile of " + ref.Name + " stays locked: no passphrase was given."}
		}
		return secret, err
	}
}

// proven asks for the passphrase of a profile until it is the right one.
func (a *app) proven(ctx context.Context, ref profile.Ref) ([]byte, error) {
	const tries = 3 // of a person who mistypes
	ask := a.passphrase(ref)
	for try := 0; ; try++ {
		secret, err := ask(ctx, try)
		if err != nil {
			return nil, err
		}
		if err = profile.Prove(ref, secret); err == nil {
			return secret, nil
		}
		clear(secret)
		if !errors.Is(err, client.ErrLocked) || try+1 >= tries {
			return nil, err
		}
	}
}

// lineOf gives a passphrase that comes on a stream, once.
func lineOf(in io.Reader, ref profile.Ref) owner.Passphrase {
	return func(ctx context.Context, try int) ([]byte, error) {
		b, err := terminal.Input(ctx, in, terminal.MaxPassphrase+2)
		if err != nil || try > 0 {
			return nil, errors.Join(err, &client.Error{Code: client.CodeLocked, Text: "The passphrase on standard input is not that of " + ref.Name + "."})
		}
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		clear(rest)
		return line, nil
	}
}

func readPassphraseFile(ctx context.Context, path string) ([]byte, error) {
	secret, err := terminal.PassphraseFile(ctx, path)
	if err != nil && ctx.Err() == nil {
		return nil, &client.Error{Code: client.CodeLocked, Err: err, Text: fmt.Sprintf("The passphrase file cannot be read: %v", err)}
	}
	if err == nil && len(secret) == 0 {
		return nil, &client.Error{Code: client.CodeLocked, Text: fmt.Sprintf("The first line of the passphrase file %s is empty. The passphrase goes there.", path)}
	}
	return secret, err
}

// terminal opens the terminal, or fails with the text as the reason. It stays
// open for further questions, until closeTerminal.
func (a *app) terminal(without string) (*terminal.Terminal, error) {
	if a.tty == nil && !a.noInput {
		a.tty, _ = terminal.Open()
	}
	if a.tty != nil {
		return a.tty, nil
	}
	return nil, &client.Error{Code: client.CodeLocked, Err: terminal.ErrNone, Text: without}
}

// closeTerminal gives the terminal back before a command goes to work.
func (a *app) closeTerminal() {
	if a.tty != nil {
		a.tty.Close()
		a.tty = nil
	}
}

// interactive reports whether this process has a screen for the interface. A
// dumb terminal cannot move its cursor; shells inside of editors are such.
func (a *app) interactive() bool {
	return !a.noInput && os.Getenv("TERM") != "dumb" && terminal.IsTerminal(os.Stdin) && terminal.IsTerminal(os.Stdout)
}
