package e2e

import (
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// loginByCmd is "loginby NAME FILE": it logs in by the invite whose link is in
// the file.
func loginByCmd(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: [!] loginby NAME FILE")
	}
	err := ts.Exec("chat", "login", args[0], "--invite", strings.TrimSpace(ts.ReadFile(args[1])), "--passphrase-file", "pass")
	if (err != nil) != neg {
		ts.Fatalf("the login by invite ended with %v", err)
	}
}
