package protocol_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

const (
	wirePage   = "PROTOCOL.md"
	sealedPage = "../crypto/E2E.md"
)

func document(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// section gives what stands under a heading of a page, up to the next one.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, after, ok := strings.Cut(document(t, page), "\n"+heading+"\n")
	if !ok {
		t.Fatalf("%s has no section %q", page, heading)
	}
	body, _, _ := strings.Cut(after, "\n#")
	return body
}

// rows gives the code spans in the first column of the tables of a section.
func rows(body string) (names []string) {
	for _, row := range regexp.MustCompile("(?m)^\\| (`[^|]*`) \\|").FindAllStringSubmatch(body, -1) {
		for _, name := range strings.Split(row[1], ", ") {
			names = append(names, strings.Trim(name, "`"))
		}
	}
	return names
}

func same(t *testing.T, what string, document, code []string) {
	t.Helper()
	slices.Sort(document)
	slices.Sort(code)
	if !slices.Equal(document, code) {
		t.Errorf("%s: the pages have\n%q, the code has\n%q", what, document, code)
	}
}

func TestDocumentHasEveryErrorCode(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Code") {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return true
	})
	same(t, "error codes", rows(section(t, wirePage, "### Error codes")), codes)
}

func TestDocumentHasTheVersion(t *testing.T) {
	page := document(t, wirePage)
	for _, text := range []string{"# The wire protocol, version %d\n", "`{\"version\": %d, \"relay\""} {
		if text = fmt.Sprintf(text, protocol.Version); !strings.Contains(page, text) {
			t.Errorf("the page does not say %q", text)
		}
	}
}

func TestDocumentHasEveryFrame(t *testing.T) {
	var client, relay []string
	for _, f := range fromClient {
		client = append(client, f.Type())
	}
	for _, f := range fromRelay {
		relay = append(relay, f.Type())
	}
	slices.Sort(client)
	slices.Sort(relay)
	same(t, "frames from a client", rows(section(t, wirePage, "### Client to relay")), slices.Compact(client))
	same(t, "frames from a relay", rows(section(t, wirePage, "### Relay to client")), slices.Compact(relay))
}

// Labels of what a device keeps to itself are no part of the protocol. Those of
// what is sealed stand on its page, without what all begin with; those of
// prekeys on both.
func TestDocumentHasEveryLabel(t *testing.T) {
	own := []crypto.Label{
		crypto.LabelRegisterNonce, crypto.LabelKeyfileCommit, crypto.LabelKeyfileWrap, crypto.LabelProfileDB, crypto.LabelProfileSecret,
	}
	var labels []string
	for _, l := range crypto.Labels() {
		if !slices.Contains(own, l) {
			labels = append(labels, string(l))
		}
	}
	documented := rows(section(t, wirePage, "## Basics"))
	for _, l := range rows(section(t, sealedPage, "## Basics")) {
		documented = append(documented, "secure-messaging v1 "+l)
	}
	slices.Sort(documented)
	same(t, "labels", slices.Compact(documented), labels)
}
