package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/profile"
	"secure-messaging/pkg/client"
)

// completeTime is how long a shell waits for names at most: whoever presses tab
// wants to go on.
const completeTime = 500 * time.Millisecond

// complete lets shells complete names. Those of contacts are known while some
// chat has the account open, for nobody types a passphrase to complete a word.
func (a *app) complete(root *cobra.Command) {
	anybody := []client.ContactState{client.Accepted, client.Incoming, client.Requested, client.Blocked}
	for name, states := range map[string][]client.ContactState{
		"accept": {client.Incoming}, "reject": {client.Incoming}, "block": anybody, "verify": anybody, "connect": {client.Incoming, client.Blocked},
		"send": {client.Accepted}, "history": anybody,
	} {
		cmd, _, err := root.Find([]string{name})
		if err != nil {
			panic("cli: there is no command " + name)
		}
		cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return behind(word, a.namesOf(cmd, states)), cobra.ShellCompDirectiveNoFileComp
		}
	}
	a.completeFlag(root, "listen", "from", func(cmd *cobra.Command) []string { return a.namesOf(cmd, anybody) })
	a.completeFlag(root, "send", "wait", func(*cobra.Command) []string { return []string{waitQueued, waitStored, waitDelivered} })
	a.completeFlag(root, "listen", "ack", func(*cobra.Command) []string { return []string{ackAuto, ackManual} })
	a.completeFlag(root, "", "as", func(*cobra.Command) []string { return accounts() })
	for _, name := range []string{"login", "logout"} {
		cmd, _, _ := root.Find([]string{name})
		cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return accounts(), cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// behind gives names as they go on a word that may have some before a comma.
func behind(word string, names []string) []string {
	list := word[:strings.LastIndex(word, ",")+1]
	var all []string
	for _, name := range names {
		if !slices.Contains(strings.Split(list, ","), name) {
			all = append(all, list+name)
		}
	}
	return all
}

// completeFlag completes the value of a flag of a command, or of all.
func (a *app) completeFlag(root *cobra.Command, name, flag string, values func(*cobra.Command) []string) {
	cmd := root
	if name != "" {
		cmd, _, _ = root.Find([]string{name})
	}
	err := cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return values(cmd), cobra.ShellCompDirectiveNoFileComp
	})
	if err != nil {
		panic("cli: " + err.Error())
	}
}

// accounts are the accounts on this machine, as --as takes them.
func accounts() (names []string) {
	refs, _ := profile.List()
	for _, ref := range refs {
		names = append(names, ref.Name)
	}
	return names
}

// conversing are the commands that take a group where they take a contact.
var conversing = []string{"send", "history", "listen"}

// namesOf are the contacts in some states, and groups where a command takes them, as the process that has the account
// open knows them.
func (a *app) namesOf(cmd *cobra.Command, states []client.ContactState) (names []string) {
	ctx, cancel := context.WithTimeout(cmd.Context(), completeTime)
	defer cancel()
	ref, err := a.choose(cmd, profile.Last)
	if err != nil {
		return nil
	}
	r, err := attached(ctx, ref)
	if err != nil || r == nil {
		return nil
	}
	defer r.Close()
	contacts, _ := r.Contacts(ctx)
	for _, c := range contacts {
		if slices.Contains(states, c.State) {
			names = append(names, c.Name)
		}
	}
	if slices.Contains(conversing, cmd.Name()) {
		groups, _ := r.Groups(ctx)
		for _, g := range groups {
			names = append(names, g.Name)
		}
	}
	return names
}
