// Command chat is the client: a terminal interface, and commands for scripts.
package main

import (
	"os"

	"secure-messaging/cmd/chat/cli"
)

func main() { os.Exit(cli.Main()) }
