package crypto

import (
	"bytes"
	"testing"
)

// Field borders are part of the encoding: moving one byte over a border, or
// joining two fields, must give other bytes.
func TestEncodeBorders(t *testing.T) {
	seen := map[string]string{}
	for name, b := range map[string][]byte{
		"none":         Encode("l"),
		"empty":        Encode("l", nil),
		"two empty":    Encode("l", nil, nil),
		"ab c":         Encode("l", []byte("ab"), []byte("c")),
		"a bc":         Encode("l", []byte("a"), []byte("bc")),
		"abc":          Encode("l", []byte("abc")),
		"abc empty":    Encode("l", []byte("abc"), nil),
		"label longer": Encode("la", []byte("bc")),
		"encoded":      Encode("l", Encode("l", []byte("abc"))),
	} {
		if other, ok := seen[string(b)]; ok {
			t.Errorf("%q and %q have one encoding", name, other)
		}
		seen[string(b)] = name
	}
}

func TestEncodeBytes(t *testing.T) {
	got := Encode("label", []byte("one"), nil)
	want := "\x00\x00\x00\x05label\x00\x00\x00\x03one\x00\x00\x00\x00"
	if string(got) != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := Encode("label", []byte("one"), []byte("two"))
	if _, err := decode(good, "label", 2); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := decode(good[:n], "label", 2); err == nil {
			t.Errorf("cut to %d bytes it decodes", n)
		}
	}
	for name, tt := range map[string]struct {
		b     []byte
		label Label
		n     int
	}{
		"another label":     {good, "labe1", 2},
		"too few fields":    {good, "label", 3},
		"too many fields":   {good, "label", 1},
		"something behind":  {append(bytes.Clone(good), 0), "label", 2},
		"length beyond end": {[]byte("\x00\x00\x00\x05label\xff\xff\xff\xffone"), "label", 1},
	} {
		if _, err := decode(tt.b, tt.label, tt.n); err == nil {
			t.Errorf("%s: it decodes", name)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode("label", []byte("one"), []byte("two")), byte(2))
	f.Add(Encode("label"), byte(0))
	f.Fuzz(func(t *testing.T, b []byte, n byte) {
		fields, err := decode(b, "label", int(n))
		if err == nil && !bytes.Equal(Encode("label", fields...), b) {
			t.Errorf("%x decodes, but encodes to %x", b, Encode("label", fields...))
		}
	})
}
