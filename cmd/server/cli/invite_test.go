package cli

import (
	"strings"
	"testing"
)

// TestQRFits: a window that would break its lines gets no code.
func TestQRFits(t *testing.T) {
	for columns, want := range map[int]string{80: "\x1b[30;47m", 30: "takes a window of "} {
		var out strings.Builder
		printQR(&out, "wss://chat.example.org:8443/?invite=CODE#FINGERPRINT", columns)
		if !strings.Contains(out.String(), want) {
			t.Errorf("in %d columns: %q", columns, out.String())
		}
	}
}
