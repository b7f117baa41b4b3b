package agent

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"secure-messaging/pkg/client"
)

func TestOtherVersion(t *testing.T) {
	for name, answer := range map[string]string{
		"newer": fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"result":{"version":%d}}`, Version+1),
		"older": fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"result":{"version":%d}}`, Version-1),
		"none":  `{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"method not found"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			path := scripted(t, func(conn net.Conn, in *bufio.Reader) {
				in.ReadString('\n')
				fmt.Fprintln(conn, answer)
				in.ReadString('\n') // until the other side leaves
			})
			_, err := Dial(t.Context(), path)
			if !errors.Is(err, client.ErrBusy) || !strings.Contains(err.Error(), "another version") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// An owner that leaves in the middle of a hello is nobody; one that is silent
// is somebody, and a caller who does not want to wait need not.
func TestOwnerWithoutHello(t *testing.T) {
	path := scripted(t, func(_ net.Conn, in *bufio.Reader) { in.ReadString('\n') })
	if _, err := Dial(t.Context(), path); !Absent(err) {
		t.Errorf("leaving: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	path = scripted(t, func(_ net.Conn, in *bufio.Reader) {
		in.ReadString('\n')
		cancel()
		in.ReadString('\n') // the cancel
		in.ReadString('\n')
	})
	if _, err := Dial(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("silent: %v", err)
	}
}

// scripted is an owner that is not ours: it serves one connection.
func scripted(t *testing.T, f func(net.Conn, *bufio.Reader)) (path string) {
	path = filepath.Join(t.TempDir(), "s")
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		f(conn, bufio.NewReader(conn))
	}()
	t.Cleanup(func() { ln.Close(); <-done })
	return path
}

// An answer that the caller cannot take ends its connection, not its process.
func TestHostileOwner(t *testing.T) {
	for name, answer := range map[string]string{
		"too long":     strings.Repeat(" ", maxAnswer) + "\n",
		"not JSON":     "nonsense\n",
		"wrong result": `{"jsonrpc":"2.0","id":2,"result":[]}` + "\n",
		"wrong id":     `{"jsonrpc":"2.0","id":77,"result":{}}` + "\n" + `{"jsonrpc":"2.0","id":null,"error":{"code":-32700}}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := scripted(t, func(conn net.Conn, in *bufio.Reader) {
				in.ReadString('\n')
				fmt.Fprintln(conn, `{"jsonrpc":"2.0","id":1,"result":{"version":3}}`)
				in.ReadString('\n')
				io.WriteString(conn, answer)
			})
			r, err := Dial(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var e *client.Error
			if _, err := r.Status(t.Context()); !errors.As(err, &e) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSocketFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if _, err := Dial(t.Context(), path); !Absent(err) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no socket: %v", err)
	}
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil {
		t.Error(err)
	} else if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false) // as after a crash
	ln.Close()
	if _, err := Dial(t.Context(), path); !Absent(err) {
		t.Errorf("stale socket: %v", err)
	}
	if ln, err = Listen(path); err != nil {
		t.Fatalf("over a stale socket: %v", err)
	}
	ln.Close()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close: %v", err)
	}
}

// What is no socket of ours is neither removed nor spoken to.
func TestForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); !errors.Is(err, client.ErrStorage) {
		t.Errorf("Listen: %v", err)
	}
	if _, err := Dial(t.Context(), path); !errors.Is(err, client.ErrStorage) {
		t.Errorf("Dial: %v", err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file: %q, %v", b, err)
	}
}

func TestSocketOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away: run it as root")
	}
	path := filepath.Join(t.TempDir(), "s")
	ln, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if err := os.Chown(path, 12345, -1); err != nil {
		t.Fatal(err)
	}
	if _, err := Dial(t.Context(), path); !errors.Is(err, client.ErrStorage) {
		t.Errorf("Dial: %v", err)
	}
	if _, err := Listen(path); !errors.Is(err, client.ErrStorage) {
		t.Errorf("Listen: %v", err)
	}
}

func TestListenSaysWhy(t *testing.T) {
	for name, path := range map[string]string{
		"too long":  filepath.Join(t.TempDir(), strings.Repeat("a", 200)),
		"no folder": filepath.Join(t.TempDir(), "no", "s"),
	} {
		if _, err := Listen(path); !errors.Is(err, client.ErrStorage) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
