package client

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"secure-messaging/pkg/crypto"
)

var contentSeeds = []string{
	`{"id":"00112233445566778899aabbccddeeff","type":"text","sent_at":1900000000000,"n":7,"body":"hi"}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"request","sent_at":0,"n":7,"body":""}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"accept","sent_at":-9,"n":7,"body":"","later":{"x":[1]}}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"poll_2","sent_at":9223372036854775807,"n":7,"body":"\u0000"}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"poll_2","sent_at":1,"n":7,"body":{"options":["a","b"]}}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"text","sent_at":1,"n":7,"body":"yes","about":{"from":"bob","id":"ff112233445566778899aabbccddeeff"},"expires":2419200}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"edit","sent_at":1,"n":7,"body":"yes!","about":{"from":"bob","id":"ff112233445566778899aabbccddeeff"}}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"delete","sent_at":1,"n":7,"body":"","about":{"from":"bob","id":"ff112233445566778899aabbccddeeff"}}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"react","sent_at":1,"n":7,"body":"👩‍❤️‍💋‍👨","about":{"from":"alice","id":"ff112233445566778899aabbccddeeff","later":1}}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"read","sent_at":1,"n":7,"about":{"from":"alice","id":"ff112233445566778899aabbccddeeff"}}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"timer","sent_at":1,"n":7,"body":"0"}`,
	`{"id":"00112233445566778899aabbccddeeff","type":"typing","sent_at":1,"n":7}`,
}

func FuzzParseContent(f *testing.F) {
	for _, s := range contentSeeds {
		if _, err := parseContent([]byte(s)); err != nil {
			f.Fatalf("the seed %s does not parse", s)
		}
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseContent(b)
		if err != nil {
			if err != errContent {
				t.Errorf("an error that may quote the text: %v", err)
			}
			return
		}
		again, err := parseContent(c.encode())
		if err != nil || again != c {
			t.Errorf("%+v became %+v, %v", c, again, err)
		}
		if _, err := c.sentAt().In(time.FixedZone("", 14*3600)).MarshalJSON(); err != nil {
			t.Error(err)
		}
	})
}

func TestParseContentRefuses(t *testing.T) {
	good := contentSeeds[0]
	change := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("no %s to change", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	for name, s := range map[string]string{
		"empty":          "",
		"no object":      `"text"`,
		"cut":            good[:len(good)-1],
		"trailing":       good + "{}",
		"no id":          change(`"id":"00112233445566778899aabbccddeeff",`, ""),
		"zero id":        change("00112233445566778899aabbccddeeff", strings.Repeat("0", 32)),
		"no type":        change(`"type":"text",`, ""),
		"long type":      change(`"text"`, `"`+strings.Repeat("a", 33)+`"`),
		"type escapes":   change(`"text"`, `"\u001b[2J"`),
		"type upper":     change(`"text"`, `"Text"`),
		"unreadable":     change(`"text"`, `"unreadable"`),
		"empty text":     change(`"hi"`, `""`),
		"long text":      change(`"hi"`, `"`+strings.Repeat("a", MaxText+1)+`"`),
		"long note":      strings.Replace(change(`"text"`, `"request"`), `"hi"`, `"`+strings.Repeat("a", MaxNote+1)+`"`, 1),
		"not UTF-8":      change("hi", "\xff"),
		"doubled":        change(`"body"`, `"type":"text","body"`),
		"time as text":   change("1900000000000", `"1900000000000"`),
		"about a word":   change(`"body"`, `"about":"bob","body"`),
		"about no one":   change(`"body"`, `"about":{"id":"ff112233445566778899aabbccddeeff"},"body"`),
		"about no name":  change(`"body"`, `"about":{"from":"Bob!","id":"ff112233445566778899aabbccddeeff"},"body"`),
		"about zero":     change(`"body"`, `"about":{"from":"bob","id":"00000000000000000000000000000000"},"body"`),
		"about twice":    change(`"body"`, `"about":{},"about":{},"body"`),
		"expires before": change(`"body"`, `"expires":-1,"body"`),
		"expires late":   change(`"body"`, `"expires":2419201,"body"`),
		"expires in 1.5": change(`"body"`, `"expires":1.5,"body"`),
		"expires a word": change(`"body"`, `"expires":"60","body"`),
		"edit":           change(`"text"`, `"edit"`),
		"delete":         strings.Replace(change(`"text"`, `"delete"`), `"hi"`, `""`, 1),
		"react":          change(`"text"`, `"react"`),
		"read":           strings.Replace(change(`"text"`, `"read"`), `"hi"`, `""`, 1),
		"typing":         change(`"text"`, `"typing"`),
		"timer":          change(`"text"`, `"timer"`),
		"body a number":  strings.Replace(change(`"text"`, `"timer"`), `"hi"`, `60`, 1),
		"no file":        change(`"text"`, `"file"`),
		"no key":         withFile(good, `"key":"`+key32+`",`, ""),
		"short key":      withFile(good, key32, "AAAA"),
		"no file id":     withFile(good, `"id":"ff112233445566778899aabbccddeeff",`, ""),
		"short hash":     withFile(good, `"sha256":"`+key32, `"sha256":"AAAA`),
		"a terabyte":     withFile(good, `"size":5`, `"size":1099511627776`),
		"less than none": withFile(good, `"size":5`, `"size":-1`),
		"size a word":    withFile(good, `"size":5`, `"size":"5"`),
		"long file name": withFile(good, `"name":"a"`, `"name":"`+strings.Repeat("a", maxFileName+1)+`"`),
		"file an array":  withFile(good, `{"id"`, `[{"id"`),
	} {
		if c, err := parseContent([]byte(s)); err != errContent {
			t.Errorf("%s: got %+v, %v", name, c, err)
		}
	}
}

// key32 is 32 bytes in base64url.
var key32 = strings.Repeat("A", 41) + "QA"

// withFile makes a good content of a text one of a file, with something replaced.
func withFile(text, old, new string) string {
	file := `"file":{"id":"ff112233445566778899aabbccddeeff","key":"` + key32 + `","size":5,"sha256":"` + key32 + `","name":"a"},"body"`
	return strings.Replace(strings.Replace(strings.Replace(text, `"text"`, `"file"`, 1), `"body"`, file, 1), old, new, 1)
}

func TestParseFile(t *testing.T) {
	const text = `{"id":"00112233445566778899aabbccddeeff","type":"text","sent_at":1900000000000,"n":1,"body":"hi"}`
	c, err := parseContent([]byte(withFile(text, "", "")))
	if err != nil || c.File.Name != "a" || c.File.Size != 5 || c.Body != "hi" {
		t.Fatalf("got %+v, %v", c, err)
	}
	again, err := parseContent(c.encode())
	if err != nil || again.File.ID != c.File.ID || again.File.SHA256 != c.File.SHA256 || !slices.Equal(again.File.Key.Secret(), c.File.Key.Secret()) {
		t.Errorf("%s comes back as %+v, %v", c.encode(), again, err)
	}
	if c, err := parseContent([]byte(strings.Replace(withFile(text, "", ""), `"hi"`, `""`, 1))); err != nil || c.Body != "" {
		t.Errorf("without words: %+v, %v", c, err)
	}
}

var pin = string(crypto.NewRelayPrivate().Public().Fingerprint())

func FuzzParseServer(f *testing.F) {
	for _, s := range []string{"localhost", "wss://Chat.example.org:8443", "https://[::1]:1/#" + pin, "ws://127.0.0.1:65535", "wss://10.0.0.1"} {
		if _, err := ParseServer(s); err != nil {
			f.Fatalf("the seed %s does not parse: %v", s, err)
		}
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseServer(s)
		if err != nil {
			if !errors.Is(err, ErrUsage) {
				t.Errorf("got %v", err)
			}
			return
		}
		for _, c := range v.String() {
			if c <= ' ' || c > '~' {
				t.Errorf("%q", v.String())
			}
		}
		if again, err := ParseServer(v.String()); err != nil || again != v {
			t.Errorf("%+v became %+v, %v", v, again, err)
		}
	})
}

func TestParseServer(t *testing.T) {
	p := crypto.Fingerprint(pin)
	for s, want := range map[string]Server{
		"localhost":                    {Host: "localhost", Port: "8443"},
		"Chat.Example.org:443":         {Host: "chat.example.org", Port: "443"},
		DefaultServer:                  {Host: "localhost", Port: "8443"},
		"wss://host/":                  {Host: "host", Port: "8443"},
		"wss://[::1]:9#" + pin:         {Host: "::1", Port: "9", Pin: p},
		"ws://localhost:80":            {Host: "localhost", Port: "80", Plain: true},
		"http://[::1]":                 {Host: "::1", Port: "8443", Plain: true},
		"https://xn--hxajbheg2az3al.x": {Host: "xn--hxajbheg2az3al.x", Port: "8443"},
	} {
		if got, err := ParseServer(s); err != nil || got != want {
			t.Errorf("%s: got %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "wss://", "wss://:8443", "ftp://host", "wss://user@host", "wss://host/path", "wss://host?x", "wss://host#nopin",
		"ws://example.org", "ws://10.0.0.1", "wss://host:0", "wss://host:65536", "wss://host:x", "wss://h\x1bst", "wss://hö.st",
		"wss://a b", "wss://[fe80::1%25eth0]", "wss://" + strings.Repeat("a", 256), "a:b:c",
	} {
		if got, err := ParseServer(s); !errors.Is(err, ErrUsage) || got != (Server{}) {
			t.Errorf("%q: got %+v, %v", s, got, err)
		}
	}
}
