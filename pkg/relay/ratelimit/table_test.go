package ratelimit

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFileOfDefaults(t *testing.T) {
	file := Format(Default())
	t.Logf("\n%s", file)
	l, err := Parse(file)
	if err != nil || l != Default() {
		t.Fatalf("what is printed reads back as %+v, %v", l, err)
	}
}

// page is the table of PROTOCOL.md.
func page() string {
	var b strings.Builder
	b.WriteString("| limit | by | what | default | above |\n| --- | --- | --- | --- | --- |\n")
	d := Default()
	for _, e := range entries {
		b.WriteString("| `" + e.name + "` | " + e.by + " | " + e.what + " | " + e.value(&d) + " | " + e.above + " |\n")
	}
	return b.String()
}

func TestPage(t *testing.T) { t.Log("\n" + page()) }

func TestKeyedTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed[Address](Rate{30, time.Hour, 2})
		for range 2 {
			if _, ok := k.Allow(time.Now(), 1); !ok {
				t.Fatal("refused within the burst")
			}
		}
		retry, ok := k.Allow(time.Now(), 1)
		if ok || retry != 2*time.Minute {
			t.Fatalf("above the burst: %v, %v", retry, ok)
		}
		time.Sleep(retry)
		if _, ok := k.Allow(time.Now(), 1); !ok {
			t.Fatal("refused at the time it was told")
		}
	})
}
