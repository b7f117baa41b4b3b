// Package vectors keeps the test vectors that stand beside the specification,
// in pkg/protocol/testdata/vectors. Tests make them from fixed keys and say
// when code and file part; with -update they write the file anew:
//
//	go test ./pkg/protocol ./pkg/crypto ./pkg/crypto/{padding,file,handshake,ratchet,session} -run Vectors -update
package vectors

import (
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

var update = flag.Bool("update", false, "write the test vectors anew")

// Bytes stand in the files as base64url.
type Bytes []byte

// MarshalText writes base64url.
func (b Bytes) MarshalText() ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads base64url.
func (b *Bytes) UnmarshalText(text []byte) (err error) {
	*b, err = base64.RawURLEncoding.Strict().AppendDecode(nil, text)
	return err
}

// Check compares v with the file of that name, or writes it.
func Check(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := Path(t, name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		g, w := firstDifference(string(got), string(want))
		t.Errorf("code and %s part. A change of the wire breaks every peer: give it a new label or version, "+
			"or correct the code. The code makes\n%s\nand the file has\n%s", file, g, w)
	}
}

func firstDifference(got, want string) (g, w string) {
	gs, ws := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(gs), len(ws)) {
		if gs[i] != ws[i] {
			return gs[i], ws[i]
		}
	}
	return fmt.Sprintf("%d lines", len(gs)), fmt.Sprintf("%d lines", len(ws))
}

// Read reads a file of vectors into v.
func Read(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile(Path(t, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
}

// Path gives the path of a file of vectors.
func Path(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd() // go test runs in the folder of the package
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "pkg", "protocol", "testdata", "vectors", name)
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
}

// Seeds fails unless the seed corpus of a fuzz target holds at least min
// inputs, so that a folder that was lost or renamed does not go unnoticed. The
// testing package itself fails for an input that it cannot read.
func Seeds(f *testing.F, min int) {
	f.Helper()
	files, err := os.ReadDir(filepath.Join("testdata", "fuzz", f.Name()))
	if err != nil {
		f.Fatal(err)
	}
	if len(files) < min {
		f.Fatalf("%d seeds in the corpus, want at least %d", len(files), min)
	}
}
