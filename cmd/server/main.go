// Command server is the relay: it hands sealed messages from one person to
// another and can read none of them.
package main

import (
	"os"

	"secure-messaging/cmd/server/cli"
)

func main() { os.Exit(cli.Main()) }
