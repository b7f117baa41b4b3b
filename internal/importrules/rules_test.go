package importrules_test

// A rule limits what packages may import. Patterns are as for the go command:
// "./pkg/crypto" is one package of this module, "./pkg/crypto/..." it and all
// below it.
type rule struct {
	who    string
	direct bool     // looks at its own imports only, not at what those import
	only   []string // of this module, these alone; all of it if not set
	never  []string // of anything
	why    string
}

var rules = []rule{
	{
		who: "./pkg/crypto", only: []string{},
		why: "keys and proofs stand on libraries alone",
	}, {
		who: "./pkg/crypto/...", only: []string{"./pkg/crypto/..."},
		why: "cryptography knows neither wire nor relay nor client",
	}, {
		who: "./pkg/crypto/...", direct: true,
		never: []string{"os", "os/exec", "net/http", "syscall", "database/sql", "github.com/gorilla/websocket"},
		why:   "cryptography does no I/O",
	}, {
		who: "./pkg/protocol", only: []string{"./pkg/crypto"},
		why: "the wire knows keys and proofs, and nothing that seals",
	}, {
		who: "./pkg/protocol", direct: true, never: []string{"os", "net", "net/http", "io", "github.com/gorilla/websocket"},
		why: "the wire does no I/O",
	}, {
		who: "./pkg/relay/...", only: []string{"./pkg/relay/...", "./pkg/protocol", "./pkg/crypto"},
		why: "the relay cannot open a message, and does not know how it is stored",
	}, {
		who: "./cmd/server/...",
		only: []string{
			"./cmd/server/...", "./pkg/relay/...", "./pkg/protocol", "./pkg/crypto",
			"./internal/relayhost/...", "./internal/relayadmin", "./internal/relaymetrics", "./internal/qr", "./internal/relaystore", "./internal/diskspace", "./internal/interrupt/...", "./internal/usage/...", "./internal/version/...", "./internal/manual/...",
		},
		never: []string{"golang.org/x/crypto/nacl/...", "charm.land/..."},
		why:   "what runs on the relay's machine has no code that could open a message",
	}, {
		who: "./pkg/client/...", only: []string{"./pkg/client/...", "./pkg/protocol", "./pkg/crypto/..."},
		why: "a client knows no relay's code and not how it is stored",
	}, {
		who: "./internal/tui/...", only: []string{"./internal/tui/...", "./internal/sanitize/...", "./internal/qr/...", "./internal/editor/...", "./pkg/client/...", "./pkg/protocol", "./pkg/crypto/..."},
		why: "the screen knows the client, and the rest only through it",
	}, {
		who: "./internal/tui/...", direct: true,
		never: []string{
			"./pkg/protocol", "./pkg/crypto/...", "crypto/...", "golang.org/x/crypto/...", "filippo.io/...",
			"net/...", "os/exec", "syscall", "github.com/gorilla/websocket",
		},
		why: "the screen has no sockets, no processes and no keys",
	}, {
		who: "./cmd/...",
		never: []string{
			"testing/...", "./internal/vectors/...", "go.uber.org/goleak", "github.com/google/go-cmp/...", "pgregory.net/rapid",
			"github.com/rogpeppe/go-internal/testscript/...", "github.com/creack/pty", "github.com/charmbracelet/x/vt",
		},
		why: "the binaries carry nothing that is for tests",
	},
}

// boxImport seals and opens. One file of the product may import it, and the
// tests beside that file.
const (
	boxImport = "golang.org/x/crypto/nacl/box"
	boxFile   = "pkg/crypto/seal/seal.go"
)
