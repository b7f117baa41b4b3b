package cli

import (
	"strings"
	"testing"
	"time"

	"secure-messaging/internal/relayadmin"
)

func TestPrintStats(t *testing.T) {
	at := time.Date(2030, 1, 1, 0, 0, 10, 0, time.UTC)
	s := relayadmin.Stats{At: at, Counters: map[string]uint64{
		"handed_messages": 100, "refused_taken": 2, "refused_bad_invite": 1, "refused_self": 0, "dropped_silent": 3,
	}}
	s.Relay.Began, s.Held.Bytes = at.Add(-90*time.Second), 1536<<10
	before := s
	before.At = at.Add(-2 * time.Second)
	before.Counters = map[string]uint64{"handed_messages": 40}
	for name, tt := range map[string]struct {
		before *relayadmin.Stats
		want   []string
	}{
		"once":  {nil, []string{"up 1m30s", " 100 handed on", "bad_invite 1, taken 2\n", "silent 3\n", "1.5 MiB of"}},
		"again": {&before, []string{" 100 (30/s) handed on"}},
	} {
		var out strings.Builder
		if err := printStats(&out, s, tt.before); err != nil {
			t.Fatal(err)
		}
		for _, want := range tt.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s: there is no %q in\n%s", name, want, out.String())
			}
		}
	}
}

func TestSize(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 16 << 30: "16.0 GiB", 1 << 62: "4096.0 PiB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}

func TestParseDays(t *testing.T) {
	for text, want := range map[string]time.Duration{"7d": 168 * time.Hour, "30m": 30 * time.Minute} {
		if got, err := parseDays(text); err != nil || got != want {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "1.5d", "soon", "99999d"} {
		if got, err := parseDays(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}
