package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"secure-messaging/pkg/client"
)

// readPage gives docs/JSON.md, and its tables by heading: member to whether it is
// always there.
func readPage(t *testing.T) (page string, tables map[string]map[string]bool) {
	t.Helper()
	b, err := os.ReadFile("../../../docs/JSON.md")
	if err != nil {
		t.Fatal(err)
	}
	tables = map[string]map[string]bool{}
	heading := ""
	row := regexp.MustCompile("^\\| `([a-z_]+)` \\| (always|sometimes) \\| .+ \\|$")
	for line := range strings.SplitSeq(string(b), "\n") {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			heading = title
		}
		if m := row.FindStringSubmatch(line); m != nil {
			if tables[heading] == nil {
				tables[heading] = map[string]bool{}
			}
			tables[heading][m[1]] = m[2] == "always"
		}
	}
	return string(b), tables
}

// members gives the members of a value's JSON: all that its type has, and whether
// the zero value shows them.
func members(t *testing.T, v any) map[string]bool {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var shown map[string]any
	if err := json.Unmarshal(b, &shown); err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			continue
		}
		_, all[name] = shown[name]
	}
	return all
}

// TestSchema holds docs/JSON.md to what is printed: every member has its row, and
// every row its member.
func TestSchema(t *testing.T) {
	page, tables := readPage(t)
	want := map[string]map[string]bool{
		"Message": members(t, messageLine{}), "File": members(t, client.File{}), "Reply": members(t, client.Quote{}),
		"Reaction": members(t, client.Reaction{}), "Error": members(t, lineError{}), "Not sent": members(t, unsentLine{}),
	}
	if diff := cmp.Diff(want, tables); diff != "" {
		t.Errorf("what is printed, and what the page says (-printed +page):\n%s", diff)
	}
	if !strings.Contains(page, "`schema` is "+strconv.Itoa(schema)+".") {
		t.Error("the page is of another schema")
	}
	for _, value := range values(t) {
		if !strings.Contains(page, "`"+value+"`") {
			t.Errorf("the page does not name %q", value)
		}
	}
	for limit, said := range map[int]string{client.MaxText: "up to 32 KiB", client.MaxQuote: "up to 280 bytes", client.MaxReaction: "up to 64 bytes", maxGiven: "At most 1000 messages"} {
		if !strings.Contains(page, said) || !strings.Contains(said, strconv.Itoa(limit)) && limit != 32<<10 {
			t.Errorf("the page does not say %q, or it is not %d", said, limit)
		}
	}
}

// values are the types and states that a message can have, as package client
// declares them.
func values(t *testing.T) (all []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../../pkg/client/message.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		of, _ := spec.Type.(*ast.Ident)
		if of != nil && of.Name == "MessageState" || strings.HasPrefix(spec.Names[0].Name, "Type") {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, value)
		}
		return true
	})
	if !slices.Contains(all, client.TypeFile) || !slices.Contains(all, string(client.Read)) {
		t.Fatalf("only %q were found", all)
	}
	return all
}

// The example of the page is a line that is printed like that.
func TestSchemaExample(t *testing.T) {
	page, _ := readPage(t)
	_, rest, _ := strings.Cut(page, "```\n")
	example, _, _ := strings.Cut(rest, "```")
	var line messageLine
	if err := json.Unmarshal([]byte(example), &line, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := printJSON(&out, line); err != nil {
		t.Fatal(err)
	}
	if out.String() != example {
		t.Errorf("it is printed as\n%s", out.String())
	}
}
