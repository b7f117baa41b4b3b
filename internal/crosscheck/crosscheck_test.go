package crosscheck_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"secure-messaging/internal/vectors"
)

var npm = flag.Bool("npm", false, "fetch tweetnacl with npm and let it open the vectors")

func TestNPM(t *testing.T) {
	if !*npm {
		t.Skip("needs the npm registry: go test ./internal/crosscheck -npm")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	install := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Skipf("npm cannot fetch tweetnacl: %v\n%s", err, out)
	}
	peer := exec.CommandContext(t.Context(), "node", "peer.js", filepath.Dir(vectors.Path(t, "envelope.json")))
	peer.Dir = dir
	out, err := peer.CombinedOutput()
	if err != nil || strings.Count(string(out), "opened ") != 3 || !strings.HasSuffix(string(out), "proofs hold\n") {
		t.Errorf("the peer fails: %v\n%s", err, out)
	}
}
