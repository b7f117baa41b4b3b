// Package e2e tests both programs from outside, through their real mains.
package e2e

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	chat "secure-messaging/cmd/chat/cli"
	server "secure-messaging/cmd/server/cli"
	"secure-messaging/internal/agent"
	"secure-messaging/pkg/crypto/keyfile"
)

// cheap is the least that a key file admits, so that a test which opens a
// profile fifty times does not pay for fifty guesses.
var cheap = keyfile.Cost{Time: 1, Memory: 8 << 10, Threads: 1}

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"chat":   func() { useDisk(); os.Exit(chat.MainWithCost(cheap)) },
		"server": func() { os.Exit(server.Main()) },
	})
}

func TestScripts(t *testing.T) { runScripts(t, "script") }

// runScripts runs those of a folder.
func runScripts(t *testing.T, folder string, environment ...string) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", folder),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			for key, value := range homes(env.WorkDir) {
				env.Setenv(key, value)
			}
			env.Setenv("NO_COLOR", "1")
			env.Vars = append(env.Vars, environment...)
			r := newRelay(env.WorkDir, env.Vars)
			env.Values["relay"] = r
			env.Defer(func() { r.end(os.Kill) })
			env.Defer(func() { endAgents(env.WorkDir) })
			return os.WriteFile(filepath.Join(env.WorkDir, "pass"), []byte(passphrase+"\n"), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"relay":     relayCmd,
			"container": containerCmd,
			"status":    statusCmd,
			"owned":     ownedCmd,
			"loginby":   loginByCmd,
			"certify":   certifyCmd,
			"proxy":     proxyCmd,
			"random":    randomCmd,
		},
	})
}

// endAgents ends the agents that a script has left behind when it failed.
func endAgents(dir string) {
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() == fs.ModeSocket {
			if r, err := agent.Dial(context.Background(), path); err == nil {
				r.Leave(context.Background())
				r.Close()
			}
		}
		return nil
	})
}

const passphrase = "correct horse battery"

// homes are the variables under which both programs keep their files.
func homes(dir string) map[string]string {
	return map[string]string{
		"HOME":            dir,
		"XDG_DATA_HOME":   filepath.Join(dir, "data"),
		"XDG_STATE_HOME":  filepath.Join(dir, "state"),
		"XDG_CONFIG_HOME": filepath.Join(dir, "config"),
		"XDG_RUNTIME_DIR": filepath.Join(dir, "run"),
	}
}
