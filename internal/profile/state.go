package profile

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/adrg/xdg"
	"github.com/go-json-experiment/json"

	"secure-messaging/pkg/client"
)

// state is what is remembered for convenience between runs. Losing it, or a
// race of two writers, loses nothing that matters.
type state struct {
	Name   string `json:"name"` // of the profile used last
	Server string `json:"server"`
	Relay  string `json:"relay"` // its relay as a user writes it, with the pin

	// Of the profile that was logged in to or opened last.
	OpenedName   string `json:"opened_name,omitzero"`
	OpenedServer string `json:"opened_server,omitzero"`
}

func statePath() (string, error) {
	dir, err := home("XDG_STATE_HOME", xdg.StateHome)
	return filepath.Join(dir, "last.json"), err
}

func loadState() (s state, ok bool) {
	path, err := statePath()
	if err != nil {
		return s, false
	}
	b, err := os.ReadFile(path)
	return s, err == nil && json.Unmarshal(b, &s) == nil
}

// Touch remembers a profile as the one used last.
func Touch(ref Ref) error { return touch(ref, false) }

// TouchOpened remembers a profile as the one used last, and as the one that a
// person opened last.
func TouchOpened(ref Ref) error { return touch(ref, true) }

func touch(ref Ref, opened bool) error {
	relay, err := os.ReadFile(ref.path(serverFile))
	if err != nil {
		return storage(ref.Dir, err)
	}
	s, _ := loadState() // what cannot be read is begun anew
	s.Name, s.Server, s.Relay = ref.Name, ref.Server, strings.TrimSpace(string(relay))
	if opened {
		s.OpenedName, s.OpenedServer = ref.Name, ref.Server
	}
	b, err := json.Marshal(s)
	if err != nil {
		return storage(ref.Dir, err)
	}
	path, err := statePath()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), dirMode); err != nil {
		return storage(path, err)
	}
	if err := replaceFile(path, append(b, '\n'), false); err != nil {
		return storage(path, err)
	}
	return nil
}

// Last returns the profile used last, if it is still there.
func Last() (Ref, bool) {
	s, ok := loadState()
	return remembered(s.Name, s.Server, ok)
}

// LastOpened returns the profile that a person opened last, if it is still
// there.
func LastOpened() (Ref, bool) {
	s, ok := loadState()
	return remembered(s.OpenedName, s.OpenedServer, ok)
}

func remembered(name, server string, ok bool) (Ref, bool) {
	if !ok {
		return Ref{}, false
	}
	ref, err := RefFor(name, server)
	return ref, err == nil && ref.exists()
}

// Relay returns the relay of a profile, with its pin.
func (r Ref) Relay() (client.Server, error) {
	text, err := os.ReadFile(r.path(serverFile))
	if err != nil {
		return client.Server{}, storage(r.Dir, err)
	}
	return client.ParseServer(strings.TrimSpace(string(text)))
}

// Private returns an error if somebody else can enter the folder of a profile, or
// read its key file. Where the system has no such modes, it returns nil.
func (r Ref) Private() error {
	for _, path := range []string{r.Dir, r.path(keyFile)} {
		info, err := os.Stat(path)
		if err != nil {
			return storage(r.Dir, err)
		}
		if runtime.GOOS != "windows" && !private(info) {
			return &client.Error{Code: client.CodeStorage, Text: "Others on this machine can get at " + path + ". Take that away: chmod -R go= '" + r.Dir + "'"}
		}
	}
	return nil
}

// LastServer returns the relay of the profile used last, with its pin. It
// outlives the profile.
func LastServer() (client.Server, bool) {
	s, ok := loadState()
	if !ok {
		return client.Server{}, false
	}
	server, err := client.ParseServer(s.Relay)
	return server, err == nil
}
