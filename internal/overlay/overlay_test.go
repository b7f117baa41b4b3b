package overlay

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// The go command sees the edits, and the tree stays as it is.
func TestWrite(t *testing.T) {
	root, dir := module(t), filepath.Join(t.TempDir(), "overlay")
	file, err := Write(root, dir, []Edit{
		{"main.go", "return 1", "return two()"},
		{"two.go", "", "package main\n\nfunc two() int { return 2 }\n"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{"1": {"run", "."}, "2": {"run", "-overlay", file, "."}} {
		cmd := exec.Command("go", args...)
		cmd.Dir = root
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != want {
			t.Errorf("go %v gives %q, %v; not %s", args, out, err, want)
		}
	}
}

func TestEditsAreRefused(t *testing.T) {
	root := module(t)
	for name, edit := range map[string]Edit{
		"a place that is there twice": {"main.go", "func", "x"},
		"a place that is not there":   {"main.go", "no such text", "x"},
		"a file that is not there":    {"other.go", "return", "x"},
		"what is not Go":              {"main.go", "return 1", "return ("},
	} {
		if _, err := Apply(root, []Edit{edit}); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// module makes a program that prints 1.
func module(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example\n\ngo 1.26\n",
		"main.go": "package main\n\nfunc main() { show(one()) }\n\nfunc one() int { return 1 }\n",
		"out.go":  "package main\n\nimport \"os\"\n\nfunc show(n int) { os.Stdout.WriteString(string(rune('0' + n))) }\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
