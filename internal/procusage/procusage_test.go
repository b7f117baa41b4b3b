package procusage

import (
	"testing"
	"time"
)

func TestParsePS(t *testing.T) {
	for line, want := range map[string]Usage{
		" 0:01.25  2048\n":    {CPU: 1250 * time.Millisecond, RSS: 2 << 20},
		"01:02:03 1":          {CPU: time.Hour + 2*time.Minute + 3*time.Second, RSS: 1 << 10},
		"1-00:00:01 1\n":      {CPU: 24*time.Hour + time.Second, RSS: 1 << 10},
		"   100:00.50   10  ": {CPU: 100*time.Minute + 500*time.Millisecond, RSS: 10 << 10},
	} {
		if got, err := parsePS(line); err != nil || got != want {
			t.Errorf("%q: %+v, %v", line, got, err)
		}
	}
	for _, line := range []string{"", "x 1", "0:01", "0:01 x"} {
		if _, err := parsePS(line); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}
