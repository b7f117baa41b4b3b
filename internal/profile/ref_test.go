package profile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"secure-messaging/pkg/client"
)

func TestFolderNames(t *testing.T) {
	for _, test := range []struct{ name, server, folder string }{
		{"alice", "localhost:8443", "alice@localhost+8443"},
		{"bob", "chat.example.org:443", "bob@chat.example.org+443"},
		{"bob", "[::1]:8443", "bob@++1+8443"},
		{"bob", "[fe80::1%eth0]:8443", "bob@fe80++1=25eth0+8443"},
		{"bob", "bücher.example:1", "bob@b=c3=bccher.example+1"},
		{"bob", "Upper:1", "bob@=55pper+1"},
		{"bob", "../../etc:1", "bob@..=2f..=2fetc+1"},
		{"bob", "a+b=c@d:1", "bob@a=2bb=3dc=40d+1"},
	} {
		got, err := folderName(test.name, test.server)
		if err != nil || got != test.folder {
			t.Errorf("%s at %s: got %q, %v; want %q", test.name, test.server, got, err, test.folder)
		}
		name, server, ok := parseFolder(test.folder)
		if !ok || name != test.name || server != test.server {
			t.Errorf("%s: got %q, %q, %v", test.folder, name, server, ok)
		}
	}
	for _, test := range [][2]string{
		{"alice", "localhost"},
		{"alice", ":8443"},
		{"alice", "localhost:"},
		{"alice", "::1:8443"},
		{"..", "localhost:1"},
		{"Alice", "localhost:1"},
		{"alice/../bob", "localhost:1"},
		{"alice", strings.Repeat("long", 80) + ":1"},
	} {
		if folder, err := folderName(test[0], test[1]); !errors.Is(err, client.ErrUsage) {
			t.Errorf("%q at %q: got %q, %v", test[0], test[1], folder, err)
		}
	}
}

// FuzzFolder: what is read writes back to the same, and names no other place.
func FuzzFolder(f *testing.F) {
	for _, seed := range []string{"alice@localhost+8443", "bob@++1+8443", "bob@=25+1", "..@+", "bob@=5+1", "bob@=5G+1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, folder string) {
		name, server, ok := parseFolder(folder)
		if !ok {
			return
		}
		if again, err := folderName(name, server); err != nil || again != folder {
			t.Fatalf("%q reads as %q at %q, which is written %q (%v)", folder, name, server, again, err)
		}
		if strings.ContainsAny(folder, `/\:*?"<>|`) || filepath.Base(folder) != folder {
			t.Fatalf("%q is not safe", folder)
		}
	})
}

func TestListAndFind(t *testing.T) {
	root := isolate(t)
	if refs, err := List(); err != nil || len(refs) != 0 {
		t.Fatalf("nothing is there: %v, %v", refs, err)
	}
	var want []Ref
	for _, at := range [][2]string{{"alice", "[::1]:8443"}, {"alice", "localhost:8443"}, {"bob", "localhost:8443"}} {
		ref, err := RefFor(at[0], at[1])
		if err != nil {
			t.Fatal(err)
		}
		s, err := Create(ref, newKeys(t, at[0]), first, passphrase, cheap)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		want = append(want, ref)
	}
	data := filepath.Join(root, "data", product)
	for _, noise := range []string{"carol@localhost+8443", "notes", ".new-dave@localhost+8443"} {
		if err := os.Mkdir(filepath.Join(data, noise), dirMode); err != nil {
			t.Fatal(err)
		}
	}
	refs, err := List()
	if err != nil || !slices.Equal(refs, want) {
		t.Fatalf("got %v, %v", refs, err)
	}
	find := func(name, server string, want Ref) {
		t.Helper()
		got, ok, err := Find(name, server)
		if err != nil || ok != (want != Ref{}) || got != want {
			t.Fatalf("got %v, %v, %v; want %v", got, ok, err, want)
		}
	}
	find("alice", "", want[0])
	find("alice", "localhost:8443", want[1])
	find("bob", "", want[2])
	find("bob", "[::1]:8443", Ref{})
	find("carol", "", Ref{})
	if err := Touch(want[1]); err != nil {
		t.Fatal(err)
	}
	find("alice", "", want[1])
	find("alice", "[::1]:8443", want[0])
	find("bob", "", want[2])
}

func TestLast(t *testing.T) {
	root := isolate(t)
	if ref, ok := Last(); ok {
		t.Fatalf("nothing was used: %v", ref)
	}
	if s, ok := LastServer(); ok {
		t.Fatalf("nothing was used: %v", s)
	}
	var keys [2]client.Keys
	var refs [2]Ref
	for i, name := range []string{"alice", "bob"} {
		keys[i], refs[i] = newKeys(t, name), newRef(t, name)
		s, err := Create(refs[i], keys[i], first, passphrase, cheap)
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
	}
	for _, i := range []int{0, 1, 0} {
		if err := Touch(refs[i]); err != nil {
			t.Fatal(err)
		}
		ref, ok := Last()
		server, okServer := LastServer()
		if !ok || !okServer || ref != refs[i] || server != keys[i].Server {
			t.Fatalf("got %v, %v, %v, %v", ref, ok, server, okServer)
		}
	}
	if err := Remove(refs[0]); err != nil {
		t.Fatal(err)
	}
	if ref, ok := Last(); ok {
		t.Fatalf("it is gone: %v", ref)
	}
	if server, ok := LastServer(); !ok || server != keys[0].Server {
		t.Fatalf("the server is forgotten with the profile: %v", server)
	}
	state := filepath.Join(root, "state", product, "last.json")
	for _, damage := range []string{"", "{", `{"name":"../..","server":"x","relay":"ftp://x"}`} {
		if err := os.WriteFile(state, []byte(damage), fileMode); err != nil {
			t.Fatal(err)
		}
		_, ok := Last()
		_, okServer := LastServer()
		if ok || okServer {
			t.Fatalf("%q was believed", damage)
		}
	}
	if err := Touch(refs[1]); err != nil {
		t.Fatal(err)
	}
	if ref, ok := Last(); !ok || ref != refs[1] {
		t.Fatal("a damaged state file stays damaged")
	}
}

func TestRootIsReadAnew(t *testing.T) {
	for range 2 {
		root := isolate(t)
		got, err := Root()
		if want := filepath.Join(root, "data", product); err != nil || got != want {
			t.Fatalf("got %s, %v; want %s", got, err, want)
		}
	}
	t.Setenv("XDG_DATA_HOME", "not/absolute")
	if got, err := Root(); err == nil && !filepath.IsAbs(got) {
		t.Fatalf("got %s", got)
	}
}

func TestSocketPath(t *testing.T) {
	isolate(t)
	near := Ref{Name: "alice", Server: testServer, Dir: "/short"}
	if got, err := SocketPath(near); err != nil || got != filepath.Join("/short", socketFile) {
		t.Fatalf("got %s, %v", got, err)
	}
	base, err := os.MkdirTemp("", "s") // t.TempDir would be too long itself
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	far := Ref{Name: "alice", Server: testServer, Dir: "/" + strings.Repeat("deep/", 30)}
	other := Ref{Name: "alice", Server: testServer, Dir: far.Dir + "er"}
	for _, variable := range []string{"XDG_RUNTIME_DIR", "TMPDIR"} {
		if variable == "TMPDIR" && runtime.GOOS == "windows" {
			continue
		}
		dir := filepath.Join(base, variable)
		if err := os.Mkdir(dir, dirMode); err != nil {
			t.Fatal(err)
		}
		t.Setenv("XDG_RUNTIME_DIR", "")
		t.Setenv(variable, dir)
		var paths []string
		for _, ref := range []Ref{far, far, other} {
			path, err := SocketPath(ref)
			if err != nil || len(path) > maxSocketPath || filepath.Dir(filepath.Dir(path)) != dir {
				t.Fatalf("got %s, %v", path, err)
			}
			info, err := os.Stat(filepath.Dir(path))
			if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != dirMode {
				t.Fatalf("%v, %v", info.Mode(), err)
			}
			paths = append(paths, path)
		}
		if paths[0] != paths[1] || paths[0] == paths[2] {
			t.Fatalf("two of one, one of another: %q", paths)
		}
	}
}

// TestRuntimeDirOfOthers: what is no runtime folder of ours is passed over.
func TestRuntimeDirOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no owner and mode there")
	}
	isolate(t)
	base, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(base) })
	t.Setenv("TMPDIR", base)
	open := filepath.Join(base, "open")
	if err := errors.Join(os.Mkdir(open, dirMode), os.Chmod(open, 0o777)); err != nil {
		t.Fatal(err)
	}
	far := Ref{Name: "alice", Server: testServer, Dir: "/" + strings.Repeat("deep/", 30)}
	for _, dir := range []string{open, filepath.Join(base, "missing"), "relative"} {
		t.Setenv("XDG_RUNTIME_DIR", dir)
		path, err := SocketPath(far)
		if err != nil || filepath.Dir(filepath.Dir(path)) != base {
			t.Errorf("%s: got %q, %v", dir, path, err)
		}
	}
}

// TestSocketFolderOfOthers: a folder that somebody else can enter, or could
// exchange, is not used.
func TestSocketFolderOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the folder for temporary files is the user's own there")
	}
	isolate(t)
	far := Ref{Name: "alice", Server: testServer, Dir: "/" + strings.Repeat("deep/", 30)}
	for name, prepare := range map[string]func(dir string) error{
		"open to others": func(dir string) error {
			return errors.Join(os.Mkdir(dir, dirMode), os.Chmod(dir, 0o755))
		},
		"symbolic link": func(dir string) error {
			return errors.Join(os.Mkdir(dir+"-mine", dirMode), os.Symlink(dir+"-mine", dir))
		},
		"file": func(dir string) error { return os.WriteFile(dir, nil, fileMode) },
	} {
		base, err := os.MkdirTemp("", "s")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(base) })
		t.Setenv("XDG_RUNTIME_DIR", base)
		if err := prepare(filepath.Join(base, "chat-"+userID())); err != nil {
			t.Fatal(err)
		}
		if path, err := SocketPath(far); !errors.Is(err, client.ErrStorage) {
			t.Errorf("%s: got %q, %v", name, path, err)
		}
	}
}
