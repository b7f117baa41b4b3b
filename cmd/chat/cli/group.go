package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/pkg/client"
)

func (a *app) newGroup() *cobra.Command {
	var asJSON *bool
	var timeout *time.Duration
	cmd := &cobra.Command{
		Use:   "group",
		Short: "List groups; with a command, make one or change it",
		Long: `List the groups of this account, those too that it has left.

What is said in a group is sealed for each member, in the session with them. So it reaches those
who are contacts of yours; chat group show says who is not, and chat connect asks them. Its owner
alone says who is in a group.`,
		Example: `  chat group make ops bob carol
  chat send +ops "the build is green"
  chat group add +ops dave
  chat history +ops`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(cmd, func(c *call) error { return c.listGroups(*timeout, *asJSON) })
		},
	}
	asJSON, timeout = jsonFlag(cmd), timeoutFlag(cmd)
	cmd.AddCommand(
		a.newGroupMake(), a.newGroupShow(),
		a.newGroupChange("add GROUP CONTACT...", "Add contacts to a group of yours", cobra.MinimumNArgs(2),
			func(names []string) client.GroupChange { return client.GroupChange{Add: names} }),
		a.newGroupChange("remove GROUP NAME...", "Remove members from a group of yours", cobra.MinimumNArgs(2),
			func(names []string) client.GroupChange { return client.GroupChange{Remove: names} }),
		a.newGroupChange("owner GROUP NAME", "Make another member the owner of a group of yours", cobra.ExactArgs(2),
			func(names []string) client.GroupChange { return client.GroupChange{Owner: names[0]} }),
		a.newGroupChange("leave GROUP", "Leave a group; its history stays", cobra.ExactArgs(1),
			func([]string) client.GroupChange { return client.GroupChange{Leave: true} }),
		a.newGroupDisappear(),
	)
	return cmd
}

func (c *call) listGroups(timeout time.Duration, asJSON bool) error {
	c.glance(timeout)
	groups, err := c.Groups(c.ctx)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if asJSON {
			err = printJSON(c.cmd.OutOrStdout(), g)
		} else {
			err = printGroup(c.cmd.OutOrStdout(), g)
		}
		if err != nil {
			return err
		}
	}
	if len(groups) == 0 {
		fmt.Fprintln(c.cmd.ErrOrStderr(), "There is no group yet. Make one: chat group make NAME CONTACT...")
	}
	return nil
}

func (a *app) newGroupMake() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "make NAME CONTACT...",
		Short: "Make a group of you and contacts, whose owner you are",
		Args:  cobra.MinimumNArgs(2),
	}
	asJSON, timeout := jsonFlag(cmd), timeoutFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd, func(c *call) error {
			if err := c.heardFrom(client.Accepted, *timeout, args[1:]...); err != nil {
				return err
			}
			g, err := c.MakeGroup(c.ctx, args[0], args[1:])
			if err != nil {
				return err
			}
			return c.regrouped(g, *timeout, *asJSON)
		})
	}
	return cmd
}

// newGroupChange makes a command that changes a group, named by its first
// argument, with the others.
func (a *app) newGroupChange(use, short string, args cobra.PositionalArgs, change func(names []string) client.GroupChange) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: args}
	asJSON, timeout := jsonFlag(cmd), timeoutFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd, func(c *call) error { return c.changeGroup(args[0], change(args[1:]), *timeout, *asJSON) })
	}
	return cmd
}

func (a *app) newGroupDisappear() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "disappear GROUP TIME",
		Short:   "Set after how long messages of a group of yours disappear; 0 for never",
		Example: `  chat group disappear +ops 24h`,
		Args:    cobra.ExactArgs(2),
	}
	asJSON, timeout := jsonFlag(cmd), timeoutFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		after, err := time.ParseDuration(args[1])
		if err != nil || after%time.Second != 0 {
			return wrongUsage(fmt.Sprintf("%q is no time in whole seconds: write it like 30s, 10m or 24h.", args[1]))
		}
		seconds := int(after / time.Second)
		return a.with(cmd, func(c *call) error {
			return c.changeGroup(args[0], client.GroupChange{Disappear: &seconds}, *timeout, *asJSON)
		})
	}
	return cmd
}

// changeGroup changes a group as it is when all that waits at the relay has come.
func (c *call) changeGroup(name string, change client.GroupChange, timeout time.Duration, asJSON bool) error {
	c.tell(c.caughtUp(timeout))
	g, err := c.ChangeGroup(c.ctx, name, change)
	if err != nil {
		return err
	}
	return c.regrouped(g, timeout, asJSON)
}

// regrouped waits until the relay has what the members are to hear of a group,
// and prints it.
func (c *call) regrouped(g client.Group, timeout time.Duration, asJSON bool) error {
	if err := c.flush(timeout); err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.cmd.OutOrStdout(), g)
	}
	return printGroup(c.cmd.OutOrStdout(), g)
}

func (a *app) newGroupShow() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show GROUP",
		Short: "Show who is in a group, and whom what you say in it reaches",
		Args:  cobra.ExactArgs(1),
	}
	asJSON, timeout := jsonFlag(cmd), timeoutFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return a.with(cmd, func(c *call) error {
			c.glance(*timeout)
			g, err := c.group(args[0])
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), g)
			}
			return printMembers(cmd.OutOrStdout(), g)
		})
	}
	return cmd
}

// group gives a group that this account knows.
func (c *call) group(name string) (client.Group, error) {
	groups, err := c.Groups(c.ctx)
	for _, g := range groups {
		if g.Name == name {
			return g, nil
		}
	}
	if err == nil {
		err = &client.Error{Code: client.CodeNotFound, Text: fmt.Sprintf("There is no group called %q. See: chat group", name)}
	}
	return client.Group{}, err
}

// isGroup reports whether a conversation that a user names is a group's.
func isGroup(name string) bool { return strings.HasPrefix(name, client.GroupSign) }

// printGroup writes a group on a line. Nothing of it is another's words but
// names, which are of letters.
func printGroup(w io.Writer, g client.Group) error {
	line := fmt.Sprintf("%-20s %-10s", g.Name, groupStanding[g.State])
	if g.State != client.Unknown {
		line += fmt.Sprintf(" %d members, owner %s", len(g.Members), g.Owner)
	}
	if g.Disappear > 0 {
		line += fmt.Sprintf(", messages disappear after %s", time.Duration(g.Disappear)*time.Second)
	}
	if g.Unread > 0 {
		line += fmt.Sprintf("  %d unread", g.Unread)
	}
	return printFolded(w, strings.TrimRight(line, " "))
}

// groupStanding says in a word or two how this account stands to a group.
var groupStanding = map[client.GroupState]string{client.Joined: "member", client.Left: "left", client.Unknown: "unheard of"}

// printMembers writes a group and, on a line each, who is in it.
func printMembers(w io.Writer, g client.Group) error {
	if err := printGroup(w, g); err != nil {
		return err
	}
	for _, m := range g.Members {
		line := fmt.Sprintf("  %-20s %s", m.Name, m.Fingerprint)
		if m.Name == g.Owner {
			line += "  owner"
		}
		if why := reaching[m.Reach]; why != "" {
			line += "  " + why
		}
		if m.Reach == client.Stranger {
			line += " (chat connect " + m.Name + ")"
		}
		if err := printFolded(w, line); err != nil {
			return err
		}
	}
	return nil
}

// reaching says who a member is to this account, where it does not just reach
// them.
var reaching = map[client.Reach]string{
	client.Self:     "you",
	client.Stranger: "not reached: no contact of yours",
	client.OtherKey: "not reached: ANOTHER KEY than yours of them",
	client.Outside:  "has left",
}

// describeNews says what has changed about a group.
func describeNews(m client.Message) string {
	what, rest, _ := strings.Cut(m.Text, " ")
	names := strings.Join(strings.Fields(rest), ", ")
	switch client.GroupNews(what) {
	case client.NewsMade:
		return "[made " + m.Contact + ", with " + names + "]"
	case client.NewsAdded:
		return "[added " + names + "]"
	case client.NewsRemoved:
		return "[removed " + names + "]"
	case client.NewsLeft:
		return "[left " + m.Contact + "]"
	case client.NewsOwner:
		return "[made " + names + " the owner]"
	case client.NewsTimer:
		return describeTimer(names)
	}
	return "[" + m.Contact + " has changed, in a way that needs a newer version]"
}
