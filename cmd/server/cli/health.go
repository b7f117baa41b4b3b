package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"secure-messaging/internal/relayhost"
)

// healthTime is how long a relay may take to say that it can store.
const healthTime = 4 * time.Second

func newHealth() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask the relay that runs here whether it can store",
		Long: `Ask the relay that runs here, with the same settings, whether it can take messages in. It says
nothing where it can, and ends with 1 where it cannot: for the health check of a container.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := loadSettings(cmd.Flags()); err != nil {
				return usageError{err}
			}
			if err := checkAddr("addr", f.addr); err != nil {
				return usageError{err}
			}
			return ready(cmd.Context(), f.addr, f.tls.mode != relayhost.Off)
		},
	}
	f.add(cmd.Flags())
	return cmd
}

// ready asks /readyz at an address to listen on. What is said is no secret, and
// nobody else listens there, so whose certificate it is does not matter.
func ready(ctx context.Context, addr string, secure bool) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost" // for the request alone: a machine may not know that name
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	url := "http://" + net.JoinHostPort(host, port) + "/readyz"
	if secure {
		url = "https" + url[len("http"):]
	}
	ctx, cancel := context.WithTimeout(ctx, healthTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	asks := &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	resp, err := asks.Do(req)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the relay at %s does not answer within %v", addr, healthTime)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("what answers at %s has no TLS; give --tls as serve has it", addr)
	case err != nil:
		return fmt.Errorf("no relay answers at %s: %w", addr, err)
	}
	resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
		return nil
	case http.StatusServiceUnavailable:
		return fmt.Errorf("the relay at %s cannot store at the moment; its log says why, and server check", addr)
	case http.StatusBadRequest: // what TLS says to plain HTTP
		return fmt.Errorf("what answers at %s has TLS, or is no relay; give --tls as serve has it", addr)
	}
	return fmt.Errorf("what answers at %s is no relay: it says %s", addr, resp.Status)
}
