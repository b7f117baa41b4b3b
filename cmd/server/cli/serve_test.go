package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"secure-messaging/internal/relayhost"
)

// TestGreetElsewhere: what an operator types next works in another folder, too.
func TestGreetElsewhere(t *testing.T) {
	t.Chdir(t.TempDir())
	host, err := relayhost.Open(relayhost.Config{DataDir: "data", Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	greet(&out, host, &serveFlags{register: "invite"})
	over, end := context.WithCancel(t.Context())
	end()
	if err := host.Run(over); err != nil {
		t.Error(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if want := "server invite create --data '" + filepath.Join(here, "data") + "'"; !strings.Contains(out.String(), want) {
		t.Errorf("there is no %s in\n%s", want, out.String())
	}
}
