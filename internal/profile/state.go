package profile

import (
	"os"
	"path/filepath"
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
func Touch(ref Ref) error {
	relay, err := os.ReadFile(ref.path(serverFile))
	if err != nil {
		return storage(ref.Dir, err)
	}
	b, err := json.Marshal(state{Name: ref.Name, Server: ref.Server, Relay: strings.TrimSpace(string(relay))})
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
	if err := replaceFile(path, append(b, '\n')); err != nil {
		return storage(path, err)
	}
	return nil
}

// Last returns the profile used last, if it is still there.
func Last() (Ref, bool) {
	s, ok := loadState()
	if !ok {
		return Ref{}, false
	}
	ref, err := RefFor(s.Name, s.Server)
	return ref, err == nil && ref.exists()
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
