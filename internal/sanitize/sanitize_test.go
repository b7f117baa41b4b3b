package sanitize

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// attacks are what hostile people have sent to terminals, and what is shown.
var attacks = []struct{ name, in, want string }{
	{"colour", "\x1b[31mred\x1b[0m", "red"},
	{"colour with subparameters", "\x1b[38:2::1:2:3mx", "x"},
	{"clear screen", "a\x1b[2J\x1b[Hb", "ab"},
	{"title", "a\x1b]0;pwned\x07b", "a\uFFFDb"},
	{"title ended by ST", "a\x1b]2;pwned\x1b\\b", "a\uFFFDb"},
	{"clipboard", "\x1b]52;c;cm0gLXJmIH4=\x07hi", "\uFFFDhi"},
	{"a link that lies", "\x1b]8;;https://evil.example\x1b\\https://bank.example\x1b]8;;\x1b\\", "\uFFFDhttps://bank.example\uFFFD"},
	{"device control", "a\x1bP$q\"p\x1b\\b", "a\uFFFDb"},
	{"application command (kitty graphics)", "\x1b_Gf=100;AAAA\x1b\\x", "\uFFFDx"},
	{"privacy message", "\x1b^x\x1b\\y", "\uFFFDy"},
	{"start of string", "\x1bXx\x1b\\y", "\uFFFDy"},
	{"unterminated string hides nothing", "\x1b]0;and then the words", "\uFFFD0;and then the words"},
	{"string over lines hides nothing", "\x1b]0;one\ntwo\x07", "\uFFFD0;one\ntwo\uFFFD"},
	{"a string begun twice", "\u009d0;a\u009d0;b\x07", "\uFFFD0;a\uFFFD"},
	{"answerback", "\x05", "\uFFFD"},
	{"reset", "\x1bcx", "x"},
	{"charset", "\x1b(0qqq", "qqq"},
	{"shift out", "\x0eqqq\x0f", "\uFFFDqqq\uFFFD"},
	{"eight-bit CSI as UTF-8", "\u009b31mx", "x"},
	{"eight-bit OSC as UTF-8", "a\u009d0;t\u009cb", "a\uFFFDb"},
	{"raw eight-bit CSI", "\x9b31mx", "\uFFFD31mx"},
	{"raw eight-bit in a row", "\xff\xfe\xfdx", "\uFFFDx"},
	{"double escape", "\x1b\x1b[31mx", "\uFFFDx"},
	{"escape at the end", "x\x1b", "x\uFFFD"},
	{"CSI cut short", "x\x1b[", "x\uFFFD"},
	{"CSI with a letter of another alphabet", "\x1b[é", "\uFFFDé"},
	{"a sequence inside a sequence", "\x1b[\x1b[31mm", "\uFFFDm"},
	{"backspaces", "rm\b\bls", "rm\uFFFD\uFFFDls"},
	{"carriage return paints over", "harmless\revil", "harmless\nevil"},
	{"line ends", "a\r\nb\vc\fd\u0085e\u2028f\u2029g", "a\nb\nc\nd\ne\nf\ng"},
	{"null", "a\x00b", "a\uFFFDb"},
	{"delete", "a\x7fb", "a\uFFFDb"},
	{"tab", "a\tb", "a    b"},
	{"bidi override", "invoice\u202Efdp.exe", "invoicefdp.exe"},
	{"bidi isolates", "a\u2066b\u2069c\u2067d\u2068e", "abcde"},
	{"bidi marks", "a\u200eb\u200fc\u061cd", "abcd"},
	{"zero width", "pay\u200bpal\u2060\ufeff\u00ad\u180e", "paypal"},
	{"joiners between Latin letters", "a\u200db\u200cc", "abc"},
	{"invisible operators", "a\u2061\u2062\u2063\u2064b", "ab"},
	{"fillers", "\u3164\u115f\u1160\uffa0x", "x"},
	{"tags", "hi\U000E0068\U000E0069", "hi"},
	{"hidden in variation selectors", "😀\U000E0100\U000E0101\ufe01\ufe0f", "😀\ufe0f"},
	{"interlinear", "a\ufff9b\ufffac\ufffb", "abc"},
	{"private use", "a\ue000b\U000F0000", "a\uFFFDb\uFFFD"},
	{"noncharacters", "\uffff\ufdd0", "\uFFFD\uFFFD"},
	{"zalgo", "Z" + strings.Repeat("\u0337", 50) + "a", "Z" + strings.Repeat("\u0337", MaxMarks) + "a"},
	{"a mark on our own text", "\u0301x\n\u0301y \u0301z", "x\ny z"},
	{"Hangul finals stacked", "ᄒ" + strings.Repeat("\u11ab", 40), "ᄒ" + strings.Repeat("\u11ab", MaxMarks)},
	{"an endless family", strings.Repeat("👨\u200d", 20) + "👨", strings.Repeat("👨\u200d👨\u200d👨\u200d👨\u200d👨", 4) + "👨"},
	{"surrogates", "\xed\xa0\x80x", "\uFFFDx"},
	{"overlong", "\xc0\x9b31mx", "\uFFFD31mx"},
	{"a sequence in halves around a broken byte", "\x1b\xff[31mx", "\uFFFD\uFFFD[31mx"},
}

// keeps are what people write.
var keeps = []string{
	"",
	"plain\ntext",
	"naïve café, Ελλάδα, Привет",
	"中文字符 日本語テキスト 한국어",
	"שלום עולם, مرحبا بالعالم",
	"می\u200cخواهم",          // Persian, with its non-joiner
	"ශ්\u200dරී ලංකාව",       // Sinhala, with its joiner
	"क्\u200dष",              // Devanagari
	"ท่านผู้หญิง",            // Thai vowels and tones
	"בְּרֵאשִׁ֖ית",           // pointed Hebrew
	"e\u0301\u0323",          // decomposed
	"👍🏽 👩‍💻 👨‍👩‍👧‍👦 ❤️ 🏳️‍🌈", // skin tone, profession, family, styles
	"👩🏻‍❤️‍💋‍👨🏼",
	"🇩🇪🇫🇷 🏴\U000E0067\U000E0062\U000E0065\U000E006E\U000E0067\U000E007F",
	"1️⃣ #️⃣ ©️ ™️",
	"\uFFFD",
	"box ─│┌ math ∑∞ braille ⠓⠊",
}

func TestAttacks(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			if got := Text(a.in); got != a.want {
				t.Errorf("Text(%+q)\n got %+q\nwant %+q", a.in, got, a.want)
			}
			check(t, a.in)
		})
	}
}

func TestKeeps(t *testing.T) {
	for _, s := range keeps {
		if got := Text(s); got != s {
			t.Errorf("Text(%+q)\n got %+q", s, got)
		}
		check(t, s)
	}
}

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		" \n a \n":             "a",
		"a\r\nb":               "a⏎b",
		"a\n\n\u202eb\x1b[31m": "a⏎⏎b",
		"dave\x1b]0;x\x07":     "dave\uFFFD",
	} {
		if got := Line(in); got != want {
			t.Errorf("Line(%+q) = %+q, want %+q", in, got, want)
		}
	}
}

// corpus reads the texts under testdata, whose README says what each would do.
func corpus(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/attacks/*.txt")
	if err != nil || len(files) < 60 {
		t.Fatalf("only %d attacks, %v", len(files), err)
	}
	readme, err := os.ReadFile("testdata/attacks/README.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".txt")
		all[name] = string(b)
		if !strings.Contains(string(readme), name) {
			t.Errorf("the README does not say what %s would do", name)
		}
	}
	return all
}

func TestCorpus(t *testing.T) {
	for name, text := range corpus(t) {
		t.Run(name, func(t *testing.T) { check(t, text) })
	}
}

func FuzzText(f *testing.F) {
	seeds := 0
	for _, text := range corpus(f) {
		f.Add(text)
		seeds++
	}
	for _, a := range attacks {
		f.Add(a.in)
		seeds++
	}
	for _, s := range keeps {
		f.Add(s)
		seeds++
	}
	if seeds < 120 {
		f.Fatalf("only %d seeds", seeds)
	}
	f.Fuzz(check)
}

// check holds what is true of any output.
func check(t *testing.T, in string) {
	t.Helper()
	text := Text(in)
	if again := Text(text); again != text {
		t.Errorf("not stable: %+q became %+q and then %+q", in, text, again)
	}
	line := Line(in)
	if again := Line(line); again != line {
		t.Errorf("a line is not stable: %+q became %+q and then %+q", in, line, again)
	}
	if strings.Contains(line, "\n") {
		t.Errorf("Line(%+q) has several lines", in)
	}
	for _, s := range []string{text, line} {
		if !utf8.ValidString(s) {
			t.Errorf("%+q became invalid UTF-8: %+q", in, s)
		}
		for _, r := range s {
			if (unicode.IsControl(r) && r != '\n') || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Co, unicode.Zl, unicode.Zp) {
				t.Errorf("%+q became %+q, which holds %U", in, s, r)
			}
		}
		if ansi.Strip(s) != s {
			t.Errorf("%+q became %+q, which a terminal obeys", in, s)
		}
		for _, l := range strings.Split(s, "\n") {
			if w, n := ansi.StringWidth(l), utf8.RuneCountInString(l); w > 2*n || (w == 0) != (n == 0) {
				t.Errorf("%+q became %+q of %d cells and %d characters", in, l, w, n)
			}
		}
	}
}
