// Package manual makes the manual pages of a command line out of its help.
package manual

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"secure-messaging/internal/version"
)

// Command prints manual pages of the program that it is a command of. The error
// of a command that does not exist is made by wrong.
func Command(wrong func(error) error) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "man [COMMAND...]",
		Short: "Print the manual page of a command, or write all of them",
		Long: `Print the manual page of a command, or of the program, as it is read by man. With --dir, write the
pages of all commands.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			root.InitDefaultCompletionCmd()
			if dir != "" {
				return writeAll(cmd, root, dir)
			}
			of, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return wrong(fmt.Errorf("there is no command %q. See: %s --help", strings.Join(args, " "), root.Name()))
			}
			text, err := page(of)
			if err == nil {
				_, err = cmd.OutOrStdout().Write(text)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "write all pages into this folder, as NAME.1")
	return cmd
}

// page is the page of a command. It bears no day, so that it is the same
// whenever it is made.
func page(cmd *cobra.Command) ([]byte, error) {
	cmd.InitDefaultHelpFlag()
	for c := cmd; c != nil; c = c.Parent() {
		c.DisableAutoGenTag = true
	}
	var out bytes.Buffer
	day := time.Unix(0, 0).UTC()
	err := doc.GenMan(cmd, &doc.GenManHeader{
		Title: strings.ToUpper(name(cmd)), Section: "1", Source: "secure-messaging " + version.Get().Version, Manual: "secure-messaging", Date: &day,
	}, &out)
	return bytes.Replace(out.Bytes(), []byte(`"Jan 1970"`), []byte(`""`), 1), err
}

// name is that of a page: chat-agent-start.
func name(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func writeAll(cmd, from *cobra.Command, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text, err := page(from)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name(from)+".1"), text, 0o644)
	}
	for _, c := range from.Commands() {
		if err == nil && (c.IsAvailableCommand() || c.Name() == "completion") {
			err = writeAll(cmd, c, dir)
		}
	}
	return err
}
