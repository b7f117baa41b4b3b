package relay_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"secure-messaging/pkg/protocol"
	"secure-messaging/pkg/relay"
	"secure-messaging/pkg/relay/ratelimit"
)

// raw is a connection on which a test writes what it likes.
func (w *world) raw() net.Conn {
	w.t.Helper()
	conn, err := w.pipes.dial(w.t.Context(), "tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	return conn
}

// drip writes a text byte by byte until it is through or the peer has had enough.
func drip(conn net.Conn, text string, pause time.Duration) {
	for i := range len(text) {
		if _, err := conn.Write([]byte{text[i]}); err != nil {
			return
		}
		time.Sleep(pause)
	}
}

// TestSlowHeaders: whoever sends headers byte by byte is cut off, however they
// go on, and so is one who says nothing at all.
func TestSlowHeaders(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		for name, text := range map[string]string{
			"byte by byte": "GET /api/relay HTTP/1.1\r\nHost: relay\r\nX-Padding: " + strings.Repeat("x", 1000),
			"nothing":      "",
		} {
			conn := w.raw()
			took := within(func() {
				var dripping sync.WaitGroup
				dripping.Go(func() { drip(conn, text, time.Second) })
				io.Copy(io.Discard, conn)
				conn.Close()
				dripping.Wait()
			})
			if took > 30*time.Second {
				t.Errorf("%s: cut off after %v", name, took)
			}
		}
	})
}

// TestSlowRegistration: a body that does not come is not waited for.
func TestSlowRegistration(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		conn := w.raw()
		took := within(func() {
			var dripping sync.WaitGroup
			dripping.Go(func() {
				drip(conn, "POST /api/register HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n", 0)
				drip(conn, strings.Repeat(" ", 4000), time.Second)
			})
			io.Copy(io.Discard, conn)
			conn.Close()
			dripping.Wait()
		})
		if took > time.Minute {
			t.Errorf("cut off after %v", took)
		}
	})
}

// TestCrowdBeforeLogin: ten thousand connections that never prove who they are
// keep nobody out for longer than a login may take, and leave nothing behind.
func TestCrowdBeforeLogin(t *testing.T) {
	limits := ratelimit.Unlimited()
	limits.PendingLogins = ratelimit.Default().PendingLogins
	inFakeTime(t, func(t *testing.T, w *world) {
		alice := w.insert("alice")
		admitted, turned := 0, 0
		var listening sync.WaitGroup
		for range 10_000 {
			conn := w.raw()
			fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: relay\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
			said := bufio.NewReader(conn)
			resp, err := http.ReadResponse(said, nil)
			switch {
			case err != nil:
				t.Fatal(err)
			case resp.StatusCode == http.StatusSwitchingProtocols:
				admitted++
				listening.Go(func() { io.Copy(io.Discard, said) })
			case resp.StatusCode == http.StatusServiceUnavailable:
				turned++
				conn.Close()
			default:
				t.Fatalf("status %d", resp.StatusCode)
			}
		}
		if int64(admitted) != limits.PendingLogins || turned != 10_000-admitted {
			t.Errorf("%d were admitted, %d turned away", admitted, turned)
		}
		if took := within(listening.Wait); took > protocol.LoginTimeout+5*time.Second {
			t.Errorf("the last was cut off after %v", took)
		}
		w.login(alice).ws.Close()
		if n := w.relay.Snapshot()[relay.CountLoginTimeout]; n != uint64(admitted) {
			t.Errorf("%d of %d were cut off for not proving who they are", n, admitted)
		}
	}, func(c *relay.Config) { c.Limits = limits })
}

// TestNamesAreNotListed: who tries names one after the other is slowed down, and
// learns of each no more than whether it exists.
func TestNamesAreNotListed(t *testing.T) {
	w := newWorld(t, func(c *relay.Config) {
		c.Proxies = ratelimit.ThisMachine()
		c.Limits.RequestsPerAddress = ratelimit.Rate{Count: 1, Per: time.Hour, Burst: 20}
	})
	w.insert("alice")
	found, refused := 0, 0
	for i := range 500 {
		name := fmt.Sprintf("user%d", i)
		if i == 7 {
			name = "alice"
		}
		req := w.request("GET", protocol.PathUsers+"?username="+name, "")
		req.Header.Set("X-Forwarded-For", "203.0.113.7")
		switch status, _, _ := w.do(req); status {
		case http.StatusOK:
			found++
		case http.StatusTooManyRequests:
			refused++
		}
	}
	if found != 1 || refused != 480 {
		t.Errorf("%d found, %d refused", found, refused)
	}
}

// TestRequestShapes: paths that climb, headers with another header inside, and
// other things that no client sends are refused or mean nothing, and the relay
// says nothing back that it was sent.
func TestRequestShapes(t *testing.T) {
	inFakeTime(t, func(t *testing.T, w *world) {
		for name, text := range map[string]string{
			"a path that climbs":        "GET /api/../../../etc/passwd HTTP/1.1\r\nHost: relay\r\n\r\n",
			"one that climbs, encoded":  "GET /api/files/..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: relay\r\n\r\n",
			"a header inside a header":  "GET /api/users?username=a%0d%0aSet-Cookie:%20evil=1 HTTP/1.1\r\nHost: relay\r\n\r\n",
			"a host with a header":      "GET /api/relay HTTP/1.1\r\nHost: relay\rSet-Cookie: evil=1\r\n\r\n",
			"two lengths":               "POST /api/register HTTP/1.1\r\nHost: relay\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
			"a length and chunks":       "POST /api/register HTTP/1.1\r\nHost: relay\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			"a header of 64 KiB":        "GET /api/relay HTTP/1.1\r\nHost: relay\r\nX-Long: evil=1" + strings.Repeat("x", 64<<10) + "\r\n\r\n",
			"no HTTP":                   "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03evil=1\r\n\r\n",
			"a proxy's request":         "GET http://evil.example/evil=1 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
			"a tunnel":                  "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example\r\n\r\n",
			"HTTP/2 without a question": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		} {
			conn := w.raw()
			var writing sync.WaitGroup
			writing.Go(func() { io.WriteString(conn, text) })
			conn.SetReadDeadline(time.Now().Add(time.Minute))
			said, _ := io.ReadAll(io.LimitReader(conn, 1<<20))
			conn.Close()
			writing.Wait()
			if status, _, _ := strings.Cut(string(said), "\r\n"); !strings.HasPrefix(status, "HTTP/1.1 4") && !strings.HasPrefix(status, "HTTP/1.1 3") && status != "HTTP/1.1 505 HTTP Version Not Supported: unsupported protocol version" && name != "no HTTP" {
				t.Errorf("%s: %q", name, status)
			}
			if strings.Contains(string(said), "evil=1") || strings.Contains(string(said), "root:") || strings.Contains(string(said), "Set-Cookie") {
				t.Errorf("%s: it says back %q", name, said)
			}
		}
		if status, _, _ := w.do(w.request("GET", "/readyz", "")); status != http.StatusOK {
			t.Errorf("afterwards it answers with %d", status)
		}
	})
}
