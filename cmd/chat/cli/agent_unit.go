package cli

import (
	"encoding/xml"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"secure-messaging/internal/keyring"
	"secure-messaging/internal/profile"
)

func (a *app) newAgentUnit() *cobra.Command {
	var launchd bool
	cmd := &cobra.Command{
		Use:   "unit",
		Short: "Print a systemd user unit that runs the agent, or a launchd file",
		Long: `Print a systemd user unit that runs the agent while you are logged in, or, with --launchd, a file
for launchd. Its first lines say where it goes and where the passphrase comes from: the desktop's
keyring where chat keyring keep has put it there, else a credential or a file.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&launchd, "launchd", false, "for launchd, which is macOS's")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ref, err := a.choose(cmd, profile.Last)
		if err != nil {
			return err
		}
		program, err := os.Executable()
		if err != nil {
			return fmt.Errorf("this program cannot be found: %w", err)
		}
		write := systemdUnit
		if launchd {
			write = launchdFile
		}
		file := a.passphraseFile // which is read from another folder than this
		if file != "" {
			if file, err = filepath.Abs(file); err != nil {
				return wrongUsage("The folder that chat stands in cannot be found. Give the whole path of the passphrase file.")
			}
		}
		_, err = fmt.Fprint(cmd.OutOrStdout(), write(program, ref, keyring.Kept(ref), file))
		return err
	}
	return cmd
}

// systemdUnit is a unit for systemd's user manager. What can be denied to a
// program that reads one folder and talks to one relay is denied.
func systemdUnit(program string, ref profile.Ref, kept bool, passphraseFile string) string {
	account := ref.Name + "@" + ref.Server
	name := "chat-" + ref.Name
	run := systemdQuote(program) + " agent run --no-input --as " + systemdQuote(account)
	var how, credential string
	switch {
	case passphraseFile != "":
		run += " --passphrase-file " + systemdQuote(passphraseFile)
	case !kept:
		how = "#   systemd-ask-password -n | systemd-creds encrypt --user --name=passphrase - ~/.config/" + name + ".cred   # the passphrase\n"
		run += " --passphrase-file %d/passphrase"
		credential = "LoadCredentialEncrypted=passphrase:%h/.config/" + name + ".cred\n"
	}
	return `# The agent of ` + account + `, for systemd's user manager:
#
#   chat agent unit --as ` + account + ` > ~/.config/systemd/user/` + name + `.service
` + how + `#   systemctl --user daemon-reload && systemctl --user enable --now ` + name + `
#   loginctl enable-linger     # where it shall run while you are not logged in

[Unit]
Description=chat agent of ` + account + `

[Service]
ExecStart=` + run + `
` + credential + `Restart=on-failure
RestartSec=5
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictRealtime=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
SystemCallArchitectures=native

[Install]
WantedBy=default.target
`
}

// systemdQuote writes a word of a command line as systemd reads it.
func systemdQuote(word string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`, `$`, `$$`).Replace(word) + `"`
}

// launchdFile is a property list for launchd.
func launchdFile(program string, ref profile.Ref, _ bool, passphraseFile string) string {
	account := ref.Name + "@" + ref.Server
	label := "secure-messaging.chat." + ref.Name
	args := []string{program, "agent", "run", "--no-input", "--as", account}
	if passphraseFile != "" {
		args = append(args, "--passphrase-file", passphraseFile)
	}
	var list strings.Builder
	for _, arg := range args {
		list.WriteString("\n\t\t<string>")
		xml.EscapeText(&list, []byte(arg)) // into memory, which does not fail
		list.WriteString("</string>")
	}
	return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- The agent of ` + account + `, for launchd, when the passphrase is in the keyring (chat keyring keep).
     What chat agent unit prints belongs into ~/Library/LaunchAgents/` + label + `.plist; then
     launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/` + label + `.plist -->
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>` + label + `</string>
	<key>ProgramArguments</key>
	<array>` + list.String() + `
	</array>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<dict>
		<key>SuccessfulExit</key>
		<false/>
	</dict>
	<key>Umask</key>
	<integer>63</integer>
</dict>
</plist>
`
}
