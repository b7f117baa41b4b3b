package profile

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/adrg/xdg"

	"secure-messaging/pkg/client"
)

// product names our folder in the places where programs keep theirs.
const product = "secure-messaging"

// The files of a profile.
const (
	keyFile    = "key"
	dbFile     = "profile.db"
	serverFile = "server"
	lockFile   = "lock"
	socketFile = "socket"
	copiesDir  = "uploads"
)

// Nobody but the user may read or enter what we make.
const (
	dirMode  = 0o700
	fileMode = 0o600
)

// Ref says where a profile lies.
type Ref struct {
	Name   string // of the account
	Server string // host:port of its relay
	Dir    string
}

// Root is the folder of all profiles, $XDG_DATA_HOME/secure-messaging or what
// takes its place on other systems.
func Root() (string, error) { return home("XDG_DATA_HOME", xdg.DataHome) }

// ConfigDir is the folder of what a user sets for all profiles,
// $XDG_CONFIG_HOME/secure-messaging or what takes its place.
func ConfigDir() (string, error) { return home("XDG_CONFIG_HOME", xdg.ConfigHome) }

// home reads the environment anew each time; as the specification wants, a
// path that is not absolute counts as none.
func home(variable, fallback string) (string, error) {
	dir := os.Getenv(variable)
	if !filepath.IsAbs(dir) {
		dir = fallback
	}
	if !filepath.IsAbs(dir) {
		return "", &client.Error{Code: client.CodeStorage, Text: "There is no home folder to keep anything in. Set HOME, or " + variable + ", to a folder of yours."}
	}
	return filepath.Join(dir, product), nil
}

// RefFor says where the profile of an account lies, or would lie.
func RefFor(name, server string) (Ref, error) {
	root, err := Root()
	if err != nil {
		return Ref{}, err
	}
	folder, err := folderName(name, server)
	if err != nil {
		return Ref{}, err
	}
	return Ref{Name: name, Server: server, Dir: filepath.Join(root, folder)}, nil
}

// List returns all profiles, by name, then by server.
func List() ([]Ref, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, storage(root, err)
	}
	var refs []Ref
	for _, e := range entries {
		name, server, ok := parseFolder(e.Name())
		ref := Ref{Name: name, Server: server, Dir: filepath.Join(root, e.Name())}
		if ok && ref.exists() {
			refs = append(refs, ref)
		}
	}
	slices.SortFunc(refs, func(a, b Ref) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Server, b.Server))
	})
	return refs, nil
}

// Find returns the profile of an account, at any server if server is empty:
// then the one used last, else the first.
func Find(name, server string) (Ref, bool, error) {
	refs, err := List()
	if err != nil {
		return Ref{}, false, err
	}
	refs = slices.DeleteFunc(refs, func(r Ref) bool {
		return r.Name != name || server != "" && r.Server != server
	})
	if last, ok := Last(); ok && slices.Contains(refs, last) {
		return last, true, nil
	}
	if len(refs) == 0 {
		return Ref{}, false, nil
	}
	return refs[0], true, nil
}

// exists reports whether there is a profile, or one that has lost its key file
// or its database: nothing new may take its place unasked.
func (r Ref) exists() bool {
	for _, file := range []string{keyFile, dbFile} {
		if info, err := os.Stat(r.path(file)); err == nil && info.Mode().IsRegular() {
			return true
		}
	}
	return false
}

// Exists reports whether there is a profile, or what is left of one.
func (r Ref) Exists() bool { return r.exists() }

func (r Ref) path(file string) string { return filepath.Join(r.Dir, file) }

func (r Ref) missing() error {
	return &client.Error{Code: client.CodeNotFound, Text: "There is no profile of " + r.Name + " at " + r.Server + " on this machine. Make one with: chat login " + r.Name}
}

func (r Ref) taken() error {
	return &client.Error{Code: client.CodeUsage, Text: "There is a profile of " + r.Name + " at " + r.Server + " already. Open it with: chat login " + r.Name}
}
