package protocol_test

import (
	"crypto/sha256"
	"strings"
	"testing"

	"secure-messaging/internal/vectors"
	"secure-messaging/pkg/protocol"
)

func TestFileProof(t *testing.T) {
	p := protocol.FileProof{Address: vectors.Alice().Certificate.Address(), Time: 1_700_000_000_123, Signature: signature, Digest: sha256.Sum256([]byte("sealed"))}
	header := p.String()
	if got, ok := protocol.ParseFileProof(header); !ok || got != p {
		t.Errorf("%s comes back as %+v, %v", header, got, ok)
	}
	parts := strings.Split(header, " ")
	with := func(i int, text string) string {
		changed := append([]string(nil), parts...)
		changed[i] = text
		return strings.Join(changed, " ")
	}
	for what, text := range map[string]string{
		"nothing":            "",
		"another scheme":     with(0, "Bearer"),
		"scheme in capitals": with(0, "DEVICE"),
		"no address":         with(1, "alice"),
		"no time":            with(2, "now"),
		"time 0":             with(2, "0"),
		"time with sign":     with(2, "+1700000000123"),
		"time beyond":        with(2, "9007199254740992"),
		"no signature":       with(3, "AAAA"),
		"no digest":          strings.Join(parts[:4], " "),
		"short digest":       with(4, "AAAA"),
		"padded digest":      with(4, parts[4]+"="),
		"one part more":      header + " more",
		"two spaces":         strings.Replace(header, " ", "  ", 1),
		"space behind":       header + " ",
	} {
		if got, ok := protocol.ParseFileProof(text); ok {
			t.Errorf("%s: %q is taken for %+v", what, text, got)
		}
	}
}
