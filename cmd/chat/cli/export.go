package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/sanitize"
	"secure-messaging/pkg/client"
)

// Values of --format.
const (
	formatMarkdown = "markdown"
	formatLines    = "jsonl"
	formatText     = "text"
)

func (a *app) newExport() *cobra.Command {
	var format, output string
	var force bool
	cmd := &cobra.Command{
		Use:   "export [NAME]",
		Short: "Write whole conversations out, in the clear",
		Long: `Write everything that was said with somebody, or with all, as Markdown, as JSON lines (those of
history --json) or as text. What is written is not sealed: keep it where nobody else reads it.`,
		Example: `  chat export bob --output bob.md
  chat export --format jsonl --output all.jsonl`,
		Args: cobra.MaximumNArgs(1),
	}
	flags := cmd.Flags()
	flags.StringVar(&format, "format", formatMarkdown, "markdown, jsonl or text")
	flags.StringVarP(&output, "output", "o", "-", "file to write, which others cannot read; - for standard output")
	flags.BoolVar(&force, "force", false, "write over a file that is there")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var write func(io.Writer) func(client.Message) error
		switch format {
		case formatMarkdown:
			write = newMarkdown
		case formatLines:
			write = printing(true)
		case formatText:
			write = printing(false)
		default:
			return wrongUsage(fmt.Sprintf("--format is markdown, jsonl or text, not %q.", format))
		}
		return a.with(cmd, func(c *call) error {
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			if err := c.knows(name); err != nil {
				return err
			}
			c.glance(glanceTime)
			if output == "-" {
				return c.export(name, format == formatMarkdown, write, cmd.OutOrStdout())
			}
			return privately(output, force, func(w io.Writer) error { return c.export(name, format == formatMarkdown, write, w) })
		})
	}
	return cmd
}

// printing writes messages as history prints them.
func printing(asJSON bool) func(io.Writer) func(client.Message) error {
	show := messagePrinter(asJSON)
	return func(w io.Writer) func(client.Message) error {
		return func(m client.Message) error { return show(w, m) }
	}
}

// export writes the whole history with somebody, or with everybody, page by page.
// Where it is apart, each conversation is written whole before the next.
func (c *call) export(name string, apart bool, write func(io.Writer) func(client.Message) error, w io.Writer) error {
	out := bufio.NewWriter(w)
	if !apart || name != "" {
		if err := c.each(name, write(out)); err != nil {
			return err
		}
		return out.Flush()
	}
	names, err := c.conversations()
	for _, name := range names {
		if err == nil {
			err = c.each(name, write(out))
		}
	}
	if err != nil {
		return err
	}
	return out.Flush()
}

// conversations names all in which something was said, also with people who are no
// contacts any more, in the order in which they began.
func (c *call) conversations() (names []string, err error) {
	err = c.each("", func(m client.Message) error {
		if !slices.Contains(names, m.Contact) {
			names = append(names, m.Contact)
		}
		return nil
	})
	return names, err
}

// each calls f with every message of a conversation, or of all, oldest first.
func (c *call) each(name string, f func(client.Message) error) error {
	for after := int64(client.FromStart); ; {
		page, err := c.History(c.ctx, client.Query{Contact: name, After: after, Limit: client.MaxLimit})
		if err != nil {
			return err
		}
		for _, m := range page {
			after = m.Cursor
			if err := f(m); err != nil {
				return err
			}
		}
		if len(page) < client.MaxLimit {
			return nil
		}
	}
}

// inert takes from a text what a reader of Markdown would run or fetch: HTML and
// pictures. A backslash before one would take ours away.
var inert = strings.NewReplacer(`\`, `\\`, "<", `\<`, "![", `\![`)

// markdown writes a conversation as Markdown. What others wrote stands in quotes,
// so that none of it looks like a heading of ours, and is no HTML or picture.
type markdown struct {
	w   io.Writer
	day string // of the last message
}

func newMarkdown(w io.Writer) func(client.Message) error { return (&markdown{w: w}).message }

func (e *markdown) message(m client.Message) error {
	at := m.Written().Local()
	var text strings.Builder
	if e.day == "" {
		fmt.Fprintf(&text, "# %s\n", m.Contact)
	}
	if day := at.Format("Monday, 2 January 2006"); day != e.day {
		fmt.Fprintf(&text, "\n## %s\n", day)
		e.day = day
	}
	fmt.Fprintf(&text, "\n**%s** %s\n\n", m.From, at.Format(time.TimeOnly))
	said := inert.Replace(sanitize.Text(describe(m)))
	for line := range strings.SplitSeq(said, "\n") {
		text.WriteString(strings.TrimRight("> "+line, " ") + "\n")
	}
	_, err := io.WriteString(e.w, text.String())
	return err
}

// privately writes a file that nobody else can read, whole or not at all.
func privately(path string, force bool, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return wrongUsage(fmt.Sprintf("%s is there already. Name another file, or give --force.", path))
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".chat-*") // mode 0600
	if err != nil {
		return unwritable(path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := write(f); err != nil {
		f.Close()
		return unwritable(path, err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return unwritable(path, err)
	}
	if force {
		err = os.Rename(f.Name(), path)
	} else if err = os.Link(f.Name(), path); err == nil { // and nothing that came meanwhile is written over
		err = os.Remove(f.Name())
	} else if !errors.Is(err, fs.ErrExist) { // a file system without links
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return unwritable(path, err)
	}
	return nil
}

// unwritable is the error of a file that cannot be written; any other error is
// as it was.
func unwritable(path string, err error) error {
	var known *client.Error
	var onDisk *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &onDisk):
		err = onDisk.Err
	case errors.As(err, &link):
		err = link.Err
	default:
		return err
	}
	return &client.Error{Code: client.CodeStorage, Err: err, Text: fmt.Sprintf("%s cannot be written: %v. Name a file in a folder of yours, on a disk with room.", path, err)}
}
