package crosscheck_test

import (
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"secure-messaging/internal/vectors"
)

var npm = flag.Bool("npm", false, "fetch libraries with npm and let a peer in JavaScript talk with this one")

// install gives a folder with the peer and what it needs, or skips the test.
func install(t *testing.T) (dir string) {
	t.Helper()
	if !*npm {
		t.Skip("needs the npm registry: go test ./internal/crosscheck -npm")
	}
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(tool + " is not installed")
		}
	}
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	ci := exec.CommandContext(t.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	ci.Dir = dir
	if out, err := ci.CombinedOutput(); err != nil {
		t.Skipf("npm cannot fetch the libraries: %v\n%s", err, out)
	}
	return dir
}

func TestNPM(t *testing.T) {
	dir := install(t)
	t.Run("vectors", func(t *testing.T) { opensVectors(t, dir) })
	t.Run("go asks", func(t *testing.T) { goAsks(t, dir) })
	t.Run("javascript asks", func(t *testing.T) { javaScriptAsks(t, dir) })
	t.Run("both ask", func(t *testing.T) { bothAsk(t, dir) })
}

func opensVectors(t *testing.T, dir string) {
	peer := exec.CommandContext(t.Context(), "node", "peer.js", "vectors", filepath.Dir(vectors.Path(t, "ratchet.json")))
	peer.Dir = dir
	out, err := peer.CombinedOutput()
	var opened struct{ Requests, Messages, Steps int }
	if err != nil || json.Unmarshal(out, &opened) != nil || opened.Requests < 2 || opened.Messages < 20 || opened.Steps < 20 {
		t.Errorf("the peer fails: %v\n%s", err, out)
	}
}
