package keyfile

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/seal"
)

// cheap is the least cost that Open accepts.
var cheap = Cost{Time: 1, Memory: minMemory, Threads: 1}

const passphrase = "correct horse battery staple"

func newFile(t testing.TB) (*Master, []byte) {
	t.Helper()
	m, b, err := New([]byte(passphrase), cheap)
	if err != nil {
		t.Fatal(err)
	}
	return m, b
}

// change rewrites a key file with one thing different.
func change(t testing.TB, b []byte, f func(*file)) []byte {
	t.Helper()
	var v file
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	f(&v)
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	for _, cost := range []Cost{cheap, {Time: 2, Memory: minMemory + 8, Threads: 3}} {
		made, b, err := New([]byte(passphrase), cost)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := Open(b, []byte(passphrase))
		if err != nil || *opened != *made {
			t.Fatalf("%v: another key, or %v", cost, err)
		}
	}
}

// TestGolden: a key file of version 1 opens as long as there is this program.
func TestGolden(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("testdata", "v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(b, []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	const want = "799c41fcd0f1f3c8f942b30a68e54f4ac684c88c58c10968fc5af024d7a5cce2"
	if got := hex.EncodeToString(m.Derive(crypto.LabelProfileDB)); got != want {
		t.Errorf("the database key is %s, want %s", got, want)
	}
	sealed, err := os.ReadFile(filepath.Join("testdata", "v1.sealed"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := crypto.FromBase64(strings.TrimSpace(string(sealed)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := m.OpenSecret("golden", raw); err != nil || string(got) != "a sealed secret" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestWrongPassphrase(t *testing.T) {
	_, b := newFile(t)
	for _, wrong := range []string{"", "x", passphrase + " ", passphrase[:len(passphrase)-1], strings.ToUpper(passphrase), passphrase + "\x00"} {
		if m, err := Open(b, []byte(wrong)); !errors.Is(err, ErrPassphrase) || m != nil {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	if _, _, err := New([]byte("7 bytes"), cheap); err == nil {
		t.Error("a short passphrase was taken")
	}
	for name, cost := range outOfBounds {
		if _, _, err := New([]byte(passphrase), cost); err == nil {
			t.Errorf("%s: a file was made that cannot be opened", name)
		}
	}
	if !DefaultCost.bounded() {
		t.Error("the usual cost is out of bounds")
	}
}

// outOfBounds would take the machine's memory or time, make a guess cheap, or
// make argon2 panic.
var outOfBounds = map[string]Cost{
	"no passes":      {0, minMemory, 1},
	"many passes":    {maxTime + 1, minMemory, 1},
	"no memory":      {1, 0, 1},
	"little memory":  {1, minMemory - 1, 1},
	"much memory":    {1, maxMemory + 1, 1},
	"all the memory": {1, 1<<32 - 1, 1},
	"no threads":     {1, minMemory, 0},
	"many threads":   {1, minMemory, maxThreads + 1},
}

// TestPlantedCost: a cost out of bounds is refused before any work is done.
func TestPlantedCost(t *testing.T) {
	_, b := newFile(t)
	for name, cost := range outOfBounds {
		planted := change(t, b, func(f *file) { f.Time, f.Memory, f.Threads = cost.Time, cost.Memory, cost.Threads })
		if _, err := Open(planted, []byte(passphrase)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A cheaper cost within the bounds gives another key, not the same one.
	_, b, err := New([]byte(passphrase), Cost{Time: 2, Memory: minMemory, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	cheaper := change(t, b, func(f *file) { f.Time = 1 })
	if _, err := Open(cheaper, []byte(passphrase)); !errors.Is(err, ErrPassphrase) {
		t.Errorf("a file made cheaper: %v", err)
	}
}

func TestDamagedFields(t *testing.T) {
	_, b := newFile(t)
	_, other := newFile(t)
	var o file
	if err := json.Unmarshal(other, &o); err != nil {
		t.Fatal(err)
	}
	flip := func(s *string) {
		raw, err := crypto.FromBase64(*s)
		if err != nil {
			t.Fatal(err)
		}
		raw[len(raw)/2] ^= 4
		*s = crypto.Base64(raw)
	}
	for name, test := range map[string]struct {
		change func(*file)
		want   error
	}{
		"version":          {func(f *file) { f.Version = 2 }, ErrDamaged},
		"no salt":          {func(f *file) { f.Salt = "" }, ErrDamaged},
		"short salt":       {func(f *file) { f.Salt = f.Salt[:20] }, ErrDamaged},
		"flipped salt":     {func(f *file) { flip(&f.Salt) }, ErrPassphrase}, // nobody can tell these apart
		"other commitment": {func(f *file) { f.Commitment = o.Commitment }, ErrPassphrase},
		"no commitment":    {func(f *file) { f.Commitment = "" }, ErrDamaged},
		"short commitment": {func(f *file) { f.Commitment = f.Commitment[:40] }, ErrDamaged},
		"flipped wrap":     {func(f *file) { flip(&f.Wrapped) }, ErrDamaged},
		"other wrap":       {func(f *file) { f.Wrapped = o.Wrapped }, ErrDamaged},
		"no wrap":          {func(f *file) { f.Wrapped = "" }, ErrDamaged},
		"padded":           {func(f *file) { f.Wrapped += "=" }, ErrDamaged},
	} {
		if m, err := Open(change(t, b, test.change), []byte(passphrase)); !errors.Is(err, test.want) || m != nil {
			t.Errorf("%s: got %v, want %v", name, err, test.want)
		}
	}
	text := string(b)
	for name, damaged := range map[string]string{
		"empty":          "",
		"cut off":        text[:len(text)/2],
		"something else": "-----BEGIN KEY-----",
		"more behind it": text + text,
		"unknown member": strings.Replace(text, "{", `{"extra":1,`, 1),
		"member twice":   strings.Replace(text, "{", `{"version":1,`, 1),
		"other case":     strings.Replace(text, `"salt"`, `"Salt"`, 1),
		"negative":       strings.Replace(text, `"time":1`, `"time":-1`, 1),
		"too large":      strings.Replace(text, `"threads":1`, `"threads":257`, 1),
	} {
		if damaged == text {
			t.Fatalf("%s: nothing was damaged", name)
		}
		if _, err := Open([]byte(damaged), []byte(passphrase)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestCommitment: a file that two passphrases could open, which the sealing
// alone would allow, opens under neither without the commitment.
func TestCommitment(t *testing.T) {
	_, b := newFile(t)
	second := []byte("another passphrase")
	planted := change(t, b, func(f *file) {
		salt, err := crypto.FromBase64(f.Salt)
		if err != nil {
			t.Fatal(err)
		}
		stretched := stretch(second, salt, cheap)
		k := seal.Derive(stretched, crypto.LabelKeyfileWrap, salt)
		f.Wrapped = crypto.Base64(k.Seal(make([]byte, 32)))
	})
	if _, err := Open(planted, second); !errors.Is(err, ErrPassphrase) {
		t.Errorf("a wrap without its commitment: %v", err)
	}
	if _, err := Open(planted, []byte(passphrase)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a commitment without its wrap: %v", err)
	}
}

// TestWrappedLength: what is wrapped must be a key, however well it is sealed.
func TestWrappedLength(t *testing.T) {
	_, b := newFile(t)
	for _, n := range []int{0, 31, 33} {
		planted := change(t, b, func(f *file) {
			salt, err := crypto.FromBase64(f.Salt)
			if err != nil {
				t.Fatal(err)
			}
			k := seal.Derive(stretch([]byte(passphrase), salt, cheap), crypto.LabelKeyfileWrap, salt)
			f.Wrapped = crypto.Base64(k.Seal(make([]byte, n)))
		})
		if _, err := Open(planted, []byte(passphrase)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

func TestFilesDiffer(t *testing.T) {
	m1, b1 := newFile(t)
	m2, b2 := newFile(t)
	if *m1 == *m2 || bytes.Equal(b1, b2) {
		t.Fatal("two files under one passphrase are alike")
	}
	if bytes.Equal(m1.Derive(crypto.LabelProfileDB), m2.Derive(crypto.LabelProfileDB)) ||
		bytes.Equal(m1.Derive(crypto.LabelProfileDB), m1.Derive(crypto.LabelProfileSecret)) {
		t.Fatal("keys for different things are alike")
	}
	for name, secret := range map[string][]byte{"passphrase": []byte(passphrase), "key": m1.key[:], "key as text": []byte(crypto.Base64(m1.key[:]))} {
		if bytes.Contains(b1, secret) {
			t.Errorf("the file holds the %s", name)
		}
	}
}

func TestSecrets(t *testing.T) {
	m, b := newFile(t)
	again, err := Open(b, []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	other, _ := newFile(t)
	for _, secret := range [][]byte{nil, {0}, []byte("a secret"), bytes.Repeat([]byte("long "), 1<<16)} {
		sealed := m.SealSecret("name", secret)
		if got, err := again.OpenSecret("name", sealed); err != nil || !bytes.Equal(got, secret) {
			t.Fatalf("%d bytes: %v", len(secret), err)
		}
		if bytes.Equal(sealed, m.SealSecret("name", secret)) {
			t.Fatal("sealed twice, it looks the same")
		}
		for _, wrong := range []string{"", "nam", "name ", "Name"} {
			if _, err := m.OpenSecret(wrong, sealed); !errors.Is(err, ErrDamaged) {
				t.Errorf("under the name %q: %v", wrong, err)
			}
		}
		if _, err := other.OpenSecret("name", sealed); !errors.Is(err, ErrDamaged) {
			t.Errorf("under another key: %v", err)
		}
	}
	sealed := m.SealSecret("name", []byte("a secret"))
	for i := range sealed {
		damaged := bytes.Clone(sealed)
		damaged[i] ^= 0x80
		if _, err := m.OpenSecret("name", damaged); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		if _, err := m.OpenSecret("name", sealed[:i]); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := m.OpenSecret("name", append(sealed, 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestNothingPrintsTheKey(t *testing.T) {
	m, _ := newFile(t)
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for _, v := range []any{m, *m, []any{m, *m}, struct{ M Master }{*m}} {
			if got := fmt.Sprintf(format, v); !strings.Contains(got, "(secret)") || strings.Contains(got, hex.EncodeToString(m.key[:4])) {
				t.Errorf("%s of a %T: %s", format, v, got)
			}
		}
	}
	m.Clear()
	if *m != (Master{}) {
		t.Error("the key is not cleared")
	}
}

// FuzzOpen: nothing but a key file is taken for one. Costs are kept low so
// that the fuzzer gets somewhere.
func FuzzOpen(f *testing.F) {
	_, b := newFile(f)
	golden, err := os.ReadFile(filepath.Join("testdata", "v1.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{b, golden, []byte("{}"), []byte(`{"version":1,"time":1,"memory":8192,"threads":1,"salt":"","commitment":"","wrapped":""}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v file
		if json.Unmarshal(b, &v) == nil && (v.Time > 1 || v.Memory > minMemory || v.Threads > 1) && (Cost{v.Time, v.Memory, v.Threads}).bounded() {
			return
		}
		m, err := Open(b, []byte(passphrase))
		if (m == nil) == (err == nil) || err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrPassphrase) {
			t.Fatalf("got %v, %v", m, err)
		}
	})
}
