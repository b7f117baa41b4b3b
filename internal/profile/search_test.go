package profile

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
)

// speech is what is searched, of bob and carol in turn.
var speech = []string{
	0:  "Deploy at ten? The build machine is back.",
	1:  "crème brûlée, Straße, naïve",
	2:  "明日の十時にデプロイしましょう",
	3:  "ขอบคุณครับ",
	4:  "한국어와 中文 mixed",
	5:  "see foo_bar-baz.go:41 and https://build.example/logs/2741",
	6:  "deployment is not deploy",
	7:  "bob says hi to carol_b",
	8:  "Привет, как дела",
	9:  "ten at deploy",
	10: "👍 ok",
	11: "हिन्दी में कि",
	12: "का एक संदेश",
	13: "ラーーメンを佐々木さんと; \uff83\uff9e\uff8c\uff9f\uff9b\uff72",
	14: "ខ្ញុំស្រឡាញ់អ្នក ພາສາລາວ မြန်မာဘာသာ",
	15: "de\u0301compose\u0301 and \U00020bb7野家",
	16: "❤\ufe0f from me",
	17: "a\x00nul and \xffbroken",
}

// searches say which texts of speech are found for what, the latest first.
var searches = []struct {
	find, contact string
	want          []int
}{
	{"deploy", "", []int{9, 6, 0}},
	{"DEPL", "", []int{9, 6, 0}},
	{"d", "", []int{15, 9, 6, 0}},
	{"deploy", "bob", []int{6, 0}},
	{"deploy", "carol_b", []int{9}},
	{"deploy", "carol", nil},
	{"ten deploy", "", []int{9, 0}},
	{`"deploy at ten"`, "", []int{0}},
	{`"ten deploy"`, "", nil},
	{`"not deplo"`, "", nil}, // between quotes words are whole
	{`not "deploy`, "", []int{6}},
	{"creme brulee", "", []int{1}},
	{"CRÈME", "", []int{1}},
	{"デプロイ", "", []int{2}},
	{"十時", "", []int{2}},
	{"時十", "", nil},
	{"ขอบคุณ", "", []int{3}},
	{"คุณ", "", []int{3}},
	{"한국어", "", []int{4}},
	{"中文", "", []int{4}},
	{"foo_bar", "", []int{5}},
	{"baz.go", "", []int{5}},
	{"build.example/logs", "", []int{5}},
	{"bob", "", []int{7}}, // the words, not whose conversation it is
	{contactToken("bob"), "", nil},
	{"прив", "", []int{8}},
	{"हि", "", []int{11}}, // with its vowel, which is a mark
	{"कि", "", []int{11}},
	{"संदेश", "", []int{12}},
	{"ーメ", "", []int{13}},
	{"々木", "", []int{13}},
	{"\uff8c\uff9f\uff9b", "", []int{13}},
	{"ស្រឡាញ់", "", []int{14}},
	{"ສາລາ", "", []int{14}},
	{"ဘာသာ", "", []int{14}},
	{"decompose", "", []int{15}},
	{"décomposé", "", []int{15}},
	{"野家", "", []int{15}},
	{"\U00020bb7", "", []int{15}},
	{"❤\ufe0f", "", nil}, // no word
	{"❤\ufe0f from", "", []int{16}},
	{"nul broken", "", []int{17}},
	{"", "", nil},
	{`"`, "", nil},
	{"-- * ^ : ( ) {", "", nil},
	{`ten" OR "hi`, "", nil},
	{"ten OR hi", "", nil},
	{"NOT deploy", "", []int{6}},
	{"text : deploy", "", nil},
	{"ten\x00deploy", "", nil},
	{"NEAR(ten deploy)", "", nil},
	{strings.Repeat("deploy ", client.MaxFind/7), "", []int{9, 6, 0}},
	{strings.Repeat("*\"", client.MaxFind/2), "", nil},
	{"\xff\xfe deploy", "", []int{9, 6, 0}},
}

// TestSearch: what is found for what, the latest first.
func TestSearch(t *testing.T) {
	isolate(t)
	s := create(t, "alice")
	bob, carol := contactOf(t, "bob", client.Accepted), contactOf(t, "carol_b", client.Accepted)
	c := client.Changes{Contacts: []client.ContactRecord{bob, carol}}
	for i, text := range speech {
		who := bob
		if i%2 == 1 {
			who = carol
		}
		c.Messages = append(c.Messages, incoming(who, text))
	}
	other := incoming(bob, "deploy is no text here")
	other.Type = client.TypeTimer
	c.Messages = append(c.Messages, other)
	commit(t, s, &c)
	s = reopen(t, s)
	for _, q := range searches {
		found, err := s.Search(client.Search{Find: q.find, Contact: q.contact, Limit: 10})
		if err != nil {
			t.Errorf("%q: %v", q.find, err)
			continue
		}
		var got []int
		for _, m := range found {
			got = append(got, slices.Index(speech, m.Text))
		}
		if !slices.Equal(got, q.want) {
			t.Errorf("%q with %q finds %v, want %v", q.find, q.contact, got, q.want)
		}
	}
	found, err := s.Search(client.Search{Find: "deploy", Before: 10, Limit: 1})
	if err != nil || len(found) != 1 || found[0].Text != speech[6] {
		t.Errorf("the next page is %+v, %v", found, err)
	}
}

func FuzzSearch(f *testing.F) {
	isolate(f)
	s := create(f, "alice")
	for _, find := range []string{`"`, `a"b`, "a*", "\x00", "a AND", "漢\"字", `""""`} {
		f.Add(find)
	}
	f.Fuzz(func(t *testing.T, find string) {
		if _, err := s.Search(client.Search{Find: find, Contact: find, Limit: 1}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzIndex: whatever a text is, all of it leaves the index when it is edited or
// deleted, and nothing of another.
func FuzzIndex(f *testing.F) {
	isolate(f)
	s := create(f, "alice")
	bob := contactOf(f, "bob", client.Accepted)
	if err := s.db.conn.Exec(`CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, words, instance)`); err != nil {
		f.Fatal(err)
	}
	terms := func() (all []string) {
		err := s.db.query(`SELECT term, doc, col, offset FROM terms`, func(r *sqlite3.Stmt) {
			all = append(all, fmt.Sprint(r.ColumnText(0), r.ColumnInt64(1), r.ColumnText(2), r.ColumnInt(3)))
		})
		if err != nil {
			f.Fatal(err)
		}
		return all
	}
	commit(f, s, &client.Changes{Messages: []client.NewMessage{incoming(bob, strings.Join(speech, " "))}})
	stays := terms()
	for i, text := range speech {
		f.Add(text, speech[len(speech)-1-i])
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		m := incoming(bob, text)
		commit(t, s, &client.Changes{Messages: []client.NewMessage{m}})
		commit(t, s, &client.Changes{Rewrites: []client.Rewrite{{Author: m.Author, ID: idOf(t, m), Text: other}}})
		commit(t, s, &client.Changes{Rewrites: []client.Rewrite{{Author: m.Author, ID: idOf(t, m), Deleted: true}}})
		if left := terms(); !slices.Equal(left, stays) {
			t.Fatalf("%d terms are left, not %d", len(left), len(stays))
		}
		if err := s.db.conn.Exec(`INSERT INTO words(words) VALUES ('integrity-check')`); err != nil {
			t.Fatal(err)
		}
	})
}

// BenchmarkSearch measures one search while somebody types, among so many
// messages of ten words from a vocabulary in which a few are common.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			isolate(b)
			s := create(b, "alice")
			said(b, s, n)
			for name, q := range map[string]client.Search{
				"letter": {Find: "w"}, "three letters": {Find: "wor"}, "common": {Find: "wor12"}, "most": {Find: "wor1"}, "word": {Find: "wor77"}, "two": {Find: "wor12 wor345"}, "rare": {Find: "needle"}, "none": {Find: "absent"},
				"rare in one": {Find: "needle", Contact: "bob"}, "common in one": {Find: "wor12", Contact: "bob"},
			} {
				q.Limit = client.DefaultLimit
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if _, err := s.Search(q); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		})
	}
}

// said fills a store with n messages.
func said(tb testing.TB, s *Store, n int) {
	tb.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	bob, carol := contactOf(tb, "bob", client.Accepted), contactOf(tb, "carol", client.Accepted)
	zipf := rand.NewZipf(r, 1.1, 4, 20_000)
	c := client.Changes{Contacts: []client.ContactRecord{bob, carol}}
	for i := range n {
		words := make([]string, 10)
		for j := range words {
			words[j] = fmt.Sprint("wor", zipf.Uint64())
		}
		if i%(n/10) == 5 {
			words[3] = "needle"
		}
		who := carol
		if i%100 == 0 || i%(n/5) == 5 {
			who = bob
		}
		c.Messages = append(c.Messages, incoming(who, strings.Join(words, " ")))
		if len(c.Messages) == 1000 || i == n-1 {
			commit(tb, s, &c)
			c = client.Changes{}
		}
	}
}
