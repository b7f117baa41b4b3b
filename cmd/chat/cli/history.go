package cli

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/pkg/client"
)

// past selects messages of the history, as history and export do.
type past struct {
	client.Query
	find  string    // words that they have; empty for any
	since time.Time // not from before; zero for any
}

func (a *app) newHistory() *cobra.Command {
	var p past
	var since string
	cmd := &cobra.Command{
		Use:   "history [NAME]",
		Short: "Print messages of the past, oldest first",
		Long: `Print messages of the past, oldest first: the latest of one conversation, or of all. To page
back, give the cursor of the first message, which --json shows, as --before; to page on, that of the
last as --after.`,
		Example: `  chat history bob --since 2h
  chat history --search '"build is" red' --json | jq -r .text
  chat history bob --since 2026-11-01 --limit 0`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := cmd.Flags()
	flags.IntVar(&p.Limit, "limit", client.DefaultLimit, "at most that many; 0 for all")
	flags.Int64Var(&p.Before, "before", 0, "only messages before this cursor")
	flags.Int64Var(&p.After, "after", 0, "only messages behind this cursor, and of these the earliest")
	flags.StringVar(&since, "since", "", "only what came in this time (90m, 2h, 3d), or since that day or time (2026-11-25, 2026-11-25T14:00)")
	flags.StringVar(&p.find, "search", "", "only messages with these words, or their beginnings; words between quotes stand next to each other")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		switch {
		case p.Limit < 0:
			return wrongUsage("--limit is how many messages, or 0 for all.")
		case p.After > 0 && (p.Before > 0 || p.find != ""):
			return wrongUsage("--after goes on to what is newer. It is not for --before and --search, which go back.")
		case len(p.find) > client.MaxFind:
			return wrongUsage(fmt.Sprintf("--search takes at most %d bytes.", client.MaxFind))
		}
		if p.since, err = parseSince(since, time.Now()); err != nil {
			return err
		}
		return a.with(cmd, func(c *call) error {
			if len(args) == 1 {
				p.Contact = args[0]
			}
			c.glance(glanceTime)
			ms, err := c.past(p)
			if err != nil {
				return err
			}
			if len(ms) == 0 {
				if err := c.knows(p.Contact); err != nil {
					return err
				}
			}
			show := messagePrinter(*asJSON)
			for _, m := range ms {
				if err := show(cmd.OutOrStdout(), m); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return cmd
}

// past reads what is selected, oldest first, page by page.
func (c *call) past(p past) (ms []client.Message, err error) {
	if p.After > 0 {
		return c.later(p)
	}
	for before := p.Before; p.Limit == 0 || len(ms) < p.Limit; before = ms[len(ms)-1].Cursor {
		size := client.MaxLimit
		if p.Limit > 0 {
			size = min(size, p.Limit-len(ms))
		}
		page, err := c.page(p, before, size)
		if err != nil {
			return nil, err
		}
		full := len(page) == size
		for _, m := range page { // the latest first
			if m.At.Before(p.since) {
				full = false
				break
			}
			ms = append(ms, m)
		}
		if !full {
			break
		}
	}
	if p.Limit > 0 {
		ms = ms[:min(len(ms), p.Limit)]
	}
	slices.Reverse(ms)
	return ms, nil
}

// page is a page before a cursor, the latest message first.
func (c *call) page(p past, before int64, limit int) ([]client.Message, error) {
	if p.find != "" {
		return c.Search(c.ctx, client.Search{Find: p.find, Contact: p.Contact, Before: before, Limit: limit})
	}
	page, err := c.History(c.ctx, client.Query{Contact: p.Contact, Before: before, Limit: limit})
	slices.Reverse(page)
	return page, err
}

// later reads on behind a cursor.
func (c *call) later(p past) (ms []client.Message, err error) {
	want := cmp.Or(p.Limit, int(^uint(0)>>1))
	for after := p.After; len(ms) < want; {
		page, err := c.History(c.ctx, client.Query{Contact: p.Contact, After: after, Limit: client.MaxLimit})
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			if after = m.Cursor; !m.At.Before(p.since) && len(ms) < want {
				ms = append(ms, m)
			}
		}
		if len(page) < client.MaxLimit {
			break
		}
	}
	return ms, nil
}

// parseSince reads a time that was, or how long ago.
func parseSince(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	var days int
	if n, err := fmt.Sscanf(s, "%dd", &days); err == nil && n == 1 && fmt.Sprintf("%dd", days) == s && days >= 0 {
		return now.AddDate(0, 0, -days), nil
	}
	if ago, err := time.ParseDuration(s); err == nil && ago >= 0 {
		return now.Add(-ago), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(layout, s, now.Location()); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	return time.Time{}, wrongUsage(fmt.Sprintf("--since is how long ago (90m, 2h, 3d), or a day or time (2026-11-25, 2026-11-25T14:00), not %q.", s))
}
