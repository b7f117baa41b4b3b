package seal_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/nacl/box"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/crypto/seal"
)

var secret = bytes.Repeat([]byte{7}, 64)

func derive() seal.Key {
	return seal.Derive(secret, crypto.LabelMessage, []byte("one"), []byte("two"))
}

// byHand is HKDF-SHA-256 written out (RFC 5869, section 2) for 56 bytes.
func byHand(secret, info []byte) (key [32]byte, nonce [24]byte) {
	mac := func(key []byte, parts ...[]byte) []byte {
		m := hmac.New(sha256.New, key)
		for _, p := range parts {
			m.Write(p)
		}
		return m.Sum(nil)
	}
	prk := mac(make([]byte, 32), secret)
	t1 := mac(prk, info, []byte{1})
	t2 := mac(prk, t1, info, []byte{2})
	return [32]byte(t1), [24]byte(t2)
}

func TestBytesAreThoseOfBox(t *testing.T) {
	key, nonce := byHand(secret, crypto.Encode(crypto.LabelMessage, []byte("one"), []byte("two")))
	for _, text := range []string{"", "x", strings.Repeat("long ", 1000)} {
		want := box.SealAfterPrecomputation(nil, []byte(text), &nonce, &key)
		got := derive().Seal([]byte(text))
		if !bytes.Equal(got, want) || len(got) != len(text)+seal.Overhead {
			t.Errorf("%d bytes: got %x, want %x", len(text), got, want)
		}
		if opened, err := derive().Open(want); err != nil || string(opened) != text {
			t.Errorf("%d bytes: opened %q, %v", len(text), opened, err)
		}
	}
}

func TestEveryInputIsBound(t *testing.T) {
	sealed := derive().Seal([]byte("text"))
	one, two := []byte("one"), []byte("two")
	for name, k := range map[string]seal.Key{
		"secret":         seal.Derive(secret[1:], crypto.LabelMessage, one, two),
		"label":          seal.Derive(secret, crypto.LabelKeyfileWrap, one, two),
		"field":          seal.Derive(secret, crypto.LabelMessage, one, []byte("twp")),
		"order":          seal.Derive(secret, crypto.LabelMessage, two, one),
		"fewer fields":   seal.Derive(secret, crypto.LabelMessage, one),
		"more fields":    seal.Derive(secret, crypto.LabelMessage, one, two, nil),
		"border of both": seal.Derive(secret, crypto.LabelMessage, []byte("onet"), []byte("wo")),
	} {
		if _, err := k.Open(sealed); err != seal.ErrOpen {
			t.Errorf("%s changed: %v", name, err)
		}
	}
}

func TestAltered(t *testing.T) {
	sealed := derive().Seal([]byte("text"))
	for i := range sealed {
		b := bytes.Clone(sealed)
		b[i] ^= 0x10
		if _, err := derive().Open(b); err != seal.ErrOpen {
			t.Errorf("byte %d altered: %v", i, err)
		}
		if _, err := derive().Open(sealed[:i]); err != seal.ErrOpen {
			t.Errorf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := derive().Open(append(sealed, 0)); err != seal.ErrOpen {
		t.Errorf("a byte longer: %v", err)
	}
}

func panics(f func()) (did bool) {
	defer func() { did = recover() != nil }()
	f()
	return
}

// A second message under one key and nonce gives both away: it must not
// happen, not even by a copy, after a failure or with a key that is all zero.
func TestKeyIsGoodOnce(t *testing.T) {
	use := map[string]func(seal.Key){
		"seal":      func(k seal.Key) { k.Seal([]byte("text")) },
		"open":      func(k seal.Key) { k.Open(derive().Seal([]byte("text"))) },
		"open junk": func(k seal.Key) { k.Open([]byte("junk")) },
	}
	for first, f := range use {
		for second, s := range use {
			k := derive()
			before := k
			if panics(func() { f(k) }) {
				t.Fatalf("the first %s panics", first)
			}
			for name, copied := range map[string]seal.Key{"itself": k, "a copy": before} {
				if !panics(func() { s(copied) }) {
					t.Errorf("after %s, %s with %s works", first, second, name)
				}
			}
		}
	}
	for name, f := range use {
		if !panics(func() { f(seal.Key{}) }) {
			t.Errorf("%s works with a zero key", name)
		}
	}
}

func TestKeyIsGoodOnceForMany(t *testing.T) {
	k := derive()
	var sealed atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if !panics(func() { k.Seal([]byte("text")) }) {
				sealed.Add(1)
			}
		})
	}
	wg.Wait()
	if n := sealed.Load(); n != 1 {
		t.Errorf("%d of 16 goroutines sealed under one key", n)
	}
}

func TestKeyDoesNotPrint(t *testing.T) {
	key, nonce := byHand(secret, crypto.Encode(crypto.LabelMessage, []byte("one"), []byte("two")))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		k := derive()
		for _, v := range []any{k, &k, struct{ k seal.Key }{k}, struct{ k *seal.Key }{&k}} {
			s := fmt.Sprintf(verb, v)
			for _, part := range [][]byte{key[:4], nonce[:4]} {
				if strings.Contains(s, hex.EncodeToString(part)) || strings.Contains(s, strings.Trim(fmt.Sprint(part), "[]")) {
					t.Errorf("%s prints %s", verb, s)
				}
			}
		}
	}
}
