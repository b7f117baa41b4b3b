package cli

import (
	"strings"
	"testing"
	"time"
)

func TestLookAtClock(t *testing.T) {
	now := time.Date(2026, 11, 26, 1, 40, 0, 0, time.UTC)
	for _, c := range []struct {
		there  time.Time
		result string
		says   string
	}{
		{time.Time{}, unknown, ""},
		{now.Add(90 * time.Second), fine, ""},
		{now.Add(-time.Hour), problem, "1h0m0s behind this machine's, which says 2026-11-26 01:40:00"},
		{now.Add(48 * time.Hour), problem, "48h0m0s ahead of this machine's"},
	} {
		if f := lookAtClock(c.there, now); f.Result != c.result || !strings.Contains(f.Says, c.says) {
			t.Errorf("%v: %+v", c.there, f)
		}
	}
}
