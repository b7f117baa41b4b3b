package relay

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"secure-messaging/pkg/protocol"
)

// typeMethod is how a frame says its type.
var typeMethod = regexp.MustCompile(`\) Type\(\) string\s*\{ return "(\w+)" \}`)

// TestTypesIn: every frame that a client sends has its counter, without which the
// relay would panic, and nothing else has.
func TestTypesIn(t *testing.T) {
	sources, err := filepath.Glob("../protocol/*.go")
	if err != nil {
		t.Fatal(err)
	}
	sent := []string{"malformed"}
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range typeMethod.FindAllSubmatch(text, -1) {
			var refused *protocol.Refusal
			_, err := protocol.DecodeFromClient(fmt.Appendf(nil, `{"type":%q}`, m[1]))
			if !errors.As(err, &refused) || refused.Code != protocol.CodeUnknownType {
				sent = append(sent, string(m[1]))
			}
		}
	}
	counted := append([]string{"encrypted_message", "ack"}, typesIn...)
	slices.Sort(counted)
	slices.Sort(sent)
	if sent = slices.Compact(sent); !slices.Equal(sent, counted) {
		t.Errorf("a client sends %q, and counted are %q", sent, counted)
	}
}
