package figures_test

import (
	"strings"
	"testing"
	"time"

	"secure-messaging/internal/figures"
)

// TestTable: a figure that misses its goal is told.
func TestTable(t *testing.T) {
	took := make([]time.Duration, 200)
	for i := range took {
		took[i] = time.Duration(200-i) * time.Millisecond
	}
	s := figures.Sort(took)
	if a, b, c := s.At(0.5), s.At(0.99), s.At(1); a != 101*time.Millisecond || b != 199*time.Millisecond || c != 200*time.Millisecond {
		t.Errorf("median %v, p99 %v, longest %v", a, b, c)
	}
	var out strings.Builder
	if err := figures.Print(&out, []figures.Row{figures.Timed("a key", took, figures.Below(s.At(0.5), 12*time.Millisecond, "median"))}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "MISSED") || !strings.Contains(out.String(), "101.0") {
		t.Errorf("the table is\n%s", &out)
	}
}
