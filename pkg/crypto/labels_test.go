package crypto_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"secure-messaging/pkg/crypto"
)

// The golden list. A line may be added; none may change, since what it has
// signed or derived would be lost or could be mistaken for something else.
var goldenLabels = []crypto.Label{
	"secure-messaging v1 certificate",
	"secure-messaging v1 hash of certificate",
	"secure-messaging v1 relay challenge",
	"secure-messaging v1 login proof",
	"secure-messaging v1 relay answer to login",
	"secure-messaging v1 registration proof",
	"secure-messaging v1 registration nonce",
	"secure-messaging v1 fingerprint",
	"secure-messaging v1 prekey",
	"secure-messaging v1 hash of prekey",
	"secure-messaging v1 handshake transcript",
	"secure-messaging v1 first secret",
	"secure-messaging v1 sealed certificate",
	"secure-messaging v1 session id",
	"secure-messaging v1 first root key",
	"secure-messaging v1 root step",
	"secure-messaging v1 chain key",
	"secure-messaging v1 message key",
	"secure-messaging v1 message body",
	"secure-messaging v1 file chunk",
	"secure-messaging v1 request for a file",
	"secure-messaging v1 state of a group",
	"secure-messaging v1 hash of invite",
	"secure-messaging v1 safety number",
	"secure-messaging v1 keyfile commitment",
	"secure-messaging v1 keyfile wrap",
	"secure-messaging v1 profile database",
	"secure-messaging v1 profile secret",
	"secure-messaging v1 backup",
	"secure-messaging v1 checksum of a recovery code",
}

func TestLabels(t *testing.T) {
	labels := crypto.Labels()
	if !slices.Equal(labels, goldenLabels) {
		t.Errorf("the labels are %q", labels)
	}
	for i, a := range labels {
		for j, b := range labels {
			if i != j && strings.HasPrefix(string(a), string(b)) {
				t.Errorf("%q begins with %q", a, b)
			}
		}
	}
}

// Labels must list every constant of labels.go, or the checks above miss some.
func TestLabelsAreAll(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "labels.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var declared []crypto.Label
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			declared = append(declared, crypto.Label(text))
		}
		return true
	})
	if len(declared) == 0 || !slices.Equal(declared, crypto.Labels()) {
		t.Errorf("declared are %q, but listed are %q", declared, crypto.Labels())
	}
}

// A signature under one label must be worth nothing under any other, even
// over the same fields.
func TestLabelsSeparateSignatures(t *testing.T) {
	key := crypto.NewAccountPrivate()
	field := []byte("the same field")
	for _, signed := range crypto.Labels() {
		sig := key.Sign(signed, field)
		for _, asked := range crypto.Labels() {
			if got := key.Public().Verify(sig, asked, field); got != (signed == asked) {
				t.Errorf("signed under %q, verified under %q: %v", signed, asked, got)
			}
		}
	}
}
