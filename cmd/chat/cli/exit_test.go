package cli

import (
	"fmt"
	"os"
	"regexp"
	"testing"

	"secure-messaging/pkg/client"
)

// Scripts read the codes in the README, so each stands there and in the help,
// and no two mean the same.
func TestExitCodes(t *testing.T) {
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	help := newRoot(&app{}).Long
	seen := map[int]client.Code{}
	for code, exit := range exitOf {
		if got := exitCode(&client.Error{Code: code}); got != exit {
			t.Errorf("%s ends with %d", code, got)
		}
		if other, there := seen[exit]; there {
			t.Errorf("%s and %s both end with %d", code, other, exit)
		}
		seen[exit] = code
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^\| %d \| .+ \|$`, exit)).Match(readme) {
			t.Errorf("the README has no row for %d", exit)
		}
		if !regexp.MustCompile(fmt.Sprintf(`\b%d [a-z]`, exit)).MatchString(help) {
			t.Errorf("the help does not name %d", exit)
		}
	}
	if seen[15] != client.CodePeerChanged || seen[16] != client.CodeConflict {
		t.Errorf("15 is %s, 16 is %s", seen[15], seen[16])
	}
}
