package profile

import (
	"encoding/hex"
	"math"
	"strings"
	"unicode"

	"github.com/ncruces/go-sqlite3"

	"secure-messaging/pkg/client"
)

// Search runs over the table words, a full-text index of SQLite (FTS5) that
// holds no text. Its tokens are what stands between blanks and punctuation, with
// the marks that belong to a letter; scripts that write without blanks stand in
// it character by character. Words of up to three letters begin so many others
// that what they begin has indexes of its own, out of which the latest are
// taken; of longer ones all hits are gathered first, in less than a microsecond
// each.
//
// Where the pages of the index meet it keeps as much of a word as tells it from
// the one before. That beginning may outlast a message that was deleted, until
// the pages are merged; no other part of its words does.

// index enters a text. It takes part in the transaction of its message.
func (d *database) index(cursor int64, contact, text string) error {
	return d.exec(`INSERT INTO words(rowid, text, contact) VALUES (?, ?, ?)`, cursor, spread(text), contactToken(contact))
}

// unindex takes a text out again, which must be the one that was entered.
func (d *database) unindex(cursor int64, contact, text string) error {
	return d.exec(`INSERT INTO words(words, rowid, text, contact) VALUES ('delete', ?, ?, ?)`, cursor, spread(text), contactToken(contact))
}

// indexAll enters the texts of a profile from before there was an index.
func (d *database) indexAll() error {
	var bad error
	err := d.query(`SELECT cursor, contact, text FROM messages WHERE type = 'text'`, func(r *sqlite3.Stmt) {
		if bad == nil {
			bad = d.index(r.ColumnInt64(0), r.ColumnText(1), r.ColumnText(2))
		}
	})
	if bad != nil {
		return bad
	}
	return err
}

// contactToken is one token of the index for each name: a name itself could be
// two.
func contactToken(name string) string { return "c" + hex.EncodeToString([]byte(name)) }

// unspaced are the blocks of scripts that write without blanks between words.
// They are fixed here, and not the tables of the library, which grow with
// Unicode: a text leaves the index under the tokens under which it entered.
var unspaced = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x0e00, Hi: 0x0fff, Stride: 1}, // Thai, Lao, Tibetan
		{Lo: 0x1000, Hi: 0x109f, Stride: 1}, // Myanmar
		{Lo: 0x1780, Hi: 0x17ff, Stride: 1}, // Khmer
		{Lo: 0x1950, Hi: 0x19df, Stride: 1}, // Tai Le, New Tai Lue
		{Lo: 0x1a20, Hi: 0x1aaf, Stride: 1}, // Tai Tham
		{Lo: 0x2e80, Hi: 0x2fdf, Stride: 1}, // radicals
		{Lo: 0x3005, Hi: 0x3007, Stride: 1}, // marks that repeat a character, and zero
		{Lo: 0x3021, Hi: 0x312f, Stride: 1}, // numerals, Hiragana, Katakana, Bopomofo
		{Lo: 0x31a0, Hi: 0x31ff, Stride: 1}, // more of these
		{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, // Han
		{Lo: 0x4e00, Hi: 0xa4cf, Stride: 1}, // Han, Yi
		{Lo: 0xa9e0, Hi: 0xa9ff, Stride: 1}, // Myanmar
		{Lo: 0xaa60, Hi: 0xaadf, Stride: 1}, // Myanmar, Tai Viet
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // Han
		{Lo: 0xff66, Hi: 0xff9f, Stride: 1}, // Katakana of half width
	},
	R32: []unicode.Range32{
		{Lo: 0x1aff0, Hi: 0x1b16f, Stride: 1}, // more Kana
		{Lo: 0x20000, Hi: 0x3ffff, Stride: 1}, // Han
	},
}

// spread puts blanks around each character of such a script.
func spread(text string) string {
	if !strings.ContainsFunc(text, isUnspaced) {
		return text
	}
	var out strings.Builder
	for _, r := range text {
		if isUnspaced(r) {
			out.WriteByte(' ')
			out.WriteRune(r)
			out.WriteByte(' ')
			continue
		}
		out.WriteRune(r)
	}
	return out.String()
}

func isUnspaced(r rune) bool { return r >= 0x0e00 && unicode.Is(unspaced, r) }

// Search implements client.Store.
func (s *Store) Search(q client.Search) (found []client.Message, err error) {
	match := expression(q.Find)
	if match == "" {
		return nil, nil
	}
	if q.Contact != "" {
		match = "contact : " + quoted(contactToken(q.Contact)) + " AND " + match
	}
	before := q.Before
	if before <= 0 {
		before = math.MaxInt64
	}
	err = s.read(func() error {
		return s.db.query(selectMessages+`JOIN words w ON m.cursor = w.rowid WHERE w.words MATCH ? AND w.rowid < ? ORDER BY w.rowid DESC LIMIT ?`,
			func(r *sqlite3.Stmt) { found = append(found, message(r)) }, match, before, q.Limit)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// expression is what FTS5 takes for what a user has typed. Nothing of it is
// syntax there: all words stand in quotes. It is empty where there is no word.
func expression(find string) string {
	var terms []string
	for i, part := range strings.Split(find, `"`) {
		words := []string{part} // between two quotes
		if i%2 == 0 {
			words = strings.Fields(part)
		}
		for _, w := range words {
			if !strings.ContainsFunc(w, isWord) {
				continue
			}
			term := quoted(spread(w))
			if i%2 == 0 { // what a word begins is found, too
				term += "*"
			}
			terms = append(terms, term)
		}
	}
	if len(terms) == 0 {
		return ""
	}
	return "text : (" + strings.Join(terms, " AND ") + ")"
}

// isWord names what the tokenizer takes for a part of a word.
func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }

// quoted is a string of FTS5. What it holds is no syntax; a NUL would end it.
func quoted(s string) string { return `"` + strings.ReplaceAll(s, "\x00", " ") + `"` }
