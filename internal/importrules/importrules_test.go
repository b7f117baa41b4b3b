package importrules_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "secure-messaging"
	root   = "../.."
)

// pkg is a package as go list sees it.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
	Error      *loadError
	DepsErrors []*loadError
}

type loadError struct{ Err string }

// graph lists the packages of the module as they are built for one system.
// Paths of the module begin with "./" in place of its name.
func graph(t *testing.T, goos string) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,Deps,Error,DepsErrors", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64", "GOOS="+goos)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, complaints.Bytes())
	}
	var pkgs []pkg
	broken := map[string]bool{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return pkgs
		} else if err != nil {
			t.Fatal(err)
		}
		for _, e := range append(p.DepsErrors, p.Error) {
			if e != nil && !broken[e.Err] {
				broken[e.Err] = true
				t.Errorf("on %s: under %s something does not load, so not all imports are known: %s", goos, p.ImportPath, e.Err)
			}
		}
		p.ImportPath = shorten(p.ImportPath)
		for _, list := range [][]string{p.Imports, p.Deps} {
			for i := range list {
				list[i] = shorten(list[i])
			}
		}
		pkgs = append(pkgs, p)
	}
}

func shorten(importPath string) string {
	if rest, ok := strings.CutPrefix(importPath, module+"/"); ok {
		return "./" + rest
	}
	return importPath
}

func ofModule(p string) bool { return strings.HasPrefix(p, "./") }

func matches(pattern, p string) bool {
	above, all := strings.CutSuffix(pattern, "/...")
	return p == above || all && strings.HasPrefix(p, above+"/")
}

func matchesAny(patterns []string, p string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, p) })
}

// broken tells every way in which the packages break a rule, and whether the
// rule is about none of them.
func (r rule) broken(pkgs []pkg) (complaints []string) {
	about := 0
	for _, p := range pkgs {
		if !matches(r.who, p.ImportPath) {
			continue
		}
		about++
		known := p.Deps
		if r.direct {
			known = p.Imports
		}
		for _, dep := range known {
			if matchesAny(r.never, dep) || r.only != nil && ofModule(dep) && !matchesAny(r.only, dep) {
				complaints = append(complaints, fmt.Sprintf("%s must not know %s, since %s%s", p.ImportPath, dep, r.why, through(pkgs, p, dep)))
			}
		}
	}
	if about == 0 {
		complaints = append(complaints, fmt.Sprintf("the rule for %s is about no package", r.who))
	}
	return complaints
}

// through names the import by which a package of the module comes to know dep.
func through(pkgs []pkg, p pkg, dep string) string {
	if slices.Contains(p.Imports, dep) {
		return ""
	}
	for _, q := range pkgs {
		if slices.Contains(p.Imports, q.ImportPath) && slices.Contains(q.Deps, dep) {
			return " (it does through " + q.ImportPath + ")"
		}
	}
	return " (it does through a library)"
}

func TestImportRules(t *testing.T) {
	for _, goos := range []string{"linux", "windows", "darwin"} {
		pkgs := graph(t, goos)
		for _, r := range rules {
			for _, complaint := range r.broken(pkgs) {
				t.Errorf("on %s: %s", goos, complaint)
			}
		}
	}
}

// Files are read one by one, whatever system they are for, tests included. (So
// "go test" knows that all of them are input of this package, and does not
// answer from its cache after a change.)
func TestOneFileSeals(t *testing.T) {
	found := false
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch base := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (base == "testdata" || base == "node_modules" || len(base) > 2 && base[0] == '.'):
			return fs.SkipDir
		case d.IsDir() || path.Ext(base) != ".go":
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		for _, spec := range file.Imports {
			if p, _ := strconv.Unquote(spec.Path.Value); p != boxImport {
				continue
			}
			switch {
			case rel == boxFile:
				found = true
			case path.Dir(rel) != path.Dir(boxFile) || !strings.HasSuffix(rel, "_test.go"):
				t.Errorf("%s imports %s: only %s may, so that there is one place to read", rel, boxImport, boxFile)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Errorf("%s does not import %s; the rule guards nothing", boxFile, boxImport)
	}
}

// TestNothingThatSeals: whatever is below pkg/crypto seals, opens, or serves
// what does. The rules keep all of it from the relay, the wire and the server.
func TestNothingThatSeals(t *testing.T) {
	sealing := map[string]bool{}
	for _, p := range graph(t, "linux") {
		if matches("./pkg/crypto/...", p.ImportPath) && p.ImportPath != "./pkg/crypto" {
			sealing[p.ImportPath] = true
		}
	}
	for _, name := range []string{"handshake", "ratchet", "session", "seal", "padding", "keyfile", "internal/source"} {
		if !sealing["./pkg/crypto/"+name] {
			t.Errorf("pkg/crypto/%s is gone: name here what has taken its place", name)
		}
	}
	for dep := range sealing {
		for _, who := range []string{"./pkg/relay", "./pkg/protocol", "./cmd/server"} {
			complaints := 0
			for _, r := range rules {
				if matches(r.who, who) {
					complaints += len(r.broken([]pkg{{ImportPath: who, Imports: []string{dep}, Deps: []string{dep}}}))
				}
			}
			if complaints == 0 {
				t.Errorf("no rule keeps %s from %s", dep, who)
			}
		}
	}
}

// The rules must be able to fail.
func TestRulesSeeViolations(t *testing.T) {
	pkgs := []pkg{
		{ImportPath: "./pkg/relay", Imports: []string{"./internal/odd", "net"}, Deps: []string{"./internal/odd", "./pkg/crypto/seal", "net"}},
		{ImportPath: "./internal/odd", Imports: []string{"./pkg/crypto/seal"}, Deps: []string{"./pkg/crypto/seal"}},
		{ImportPath: "./pkg/relayed", Imports: []string{"./pkg/client"}, Deps: []string{"./pkg/client"}},
	}
	for _, tt := range []struct {
		rule rule
		want int
	}{
		{rule{who: "./pkg/relay/...", only: []string{"./pkg/crypto/..."}}, 1},
		{rule{who: "./pkg/relay/...", only: []string{}}, 2},
		{rule{who: "./pkg/relay/...", only: []string{}, direct: true}, 1},
		{rule{who: "./pkg/relay/...", never: []string{"./pkg/crypto/seal"}}, 1},
		{rule{who: "./pkg/relay/...", never: []string{"./pkg/crypto"}}, 0},
		{rule{who: "./pkg/relay/...", never: []string{"net/..."}, direct: true}, 1},
		{rule{who: "./pkg/relay/...", never: []string{"ne/..."}}, 0},
		{rule{who: "./pkg/nothing"}, 1},
	} {
		if got := tt.rule.broken(pkgs); len(got) != tt.want {
			t.Errorf("%+v: got %q, want %d complaints", tt.rule, got, tt.want)
		}
	}
}
