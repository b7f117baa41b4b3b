package e2e

import (
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var inContainer = flag.Bool("container", false, "build deploy/Dockerfile with podman, and run the relay in it")

// TestContainer is a relay in a container, by deploy/Dockerfile as it stands.
func TestContainer(t *testing.T) {
	if !*inContainer {
		t.Skip("it builds an image: go test ./internal/e2e -run Container -container")
	}
	if runtime.GOOS != "linux" {
		t.Skip("the image is made with the Go of this machine, which has to be Linux")
	}
	if _, err := exec.LookPath("podman"); err != nil {
		t.Skipf("no podman here (apt install podman): %v", err)
	}
	runScripts(t, "container", "IMAGE="+buildImage(t))
}

// buildImage is deploy/Dockerfile, built on the Go, the modules and the shell of
// this machine in place of an image that has them: nothing is fetched.
func buildImage(t *testing.T) string {
	base := image(t, strings.NewReader("FROM scratch\nENV PATH=/bin:/goroot/bin GOMODCACHE=/modules GOCACHE=/cache GOPROXY=off GOTOOLCHAIN=local\n"), "-f", "-")
	root := filepath.Join("..", "..")
	args := []string{"--from", base, "--network", "none", "--layers=false",
		"--format", "docker", // podman's own has no health check
		"--security-opt", "label=disable", "-v", t.TempDir() + ":/tmp",
		"-f", filepath.Join(root, "deploy", "Dockerfile")}
	for _, dir := range []string{"/bin", "/lib", "/lib64"} {
		if _, err := os.Stat(dir); err == nil {
			args = append(args, "-v", dir+":"+dir+":ro")
		}
	}
	for name, at := range map[string]string{"GOROOT": "/goroot:ro", "GOMODCACHE": "/modules:ro", "GOCACHE": "/cache"} {
		dir, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "-v", strings.TrimSpace(string(dir))+":"+at)
	}
	return image(t, nil, append(args, root)...)
}

// image builds one, which is there until the test ends.
func image(t *testing.T, stdin io.Reader, args ...string) string {
	t.Helper()
	id, err := podman(stdin, append([]string{"build", "-q"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := podman(nil, "rmi", id); err != nil {
			t.Error(err)
		}
	})
	return id
}

// podman returns what it prints, without the last newline. It runs outside of the
// script's environment: what it keeps lies where its user has it.
func podman(stdin io.Reader, args ...string) (string, error) {
	cmd := exec.Command("podman", args...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = stdin, &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("podman %s: %w\n%s%s", args[0], err, out, stderr.Bytes())
	}
	return strings.TrimSuffix(string(out), "\n"), err
}

// containerCmd is "container start", which makes one on the data of the last and
// sets $RELAY; "container stop"; "container server ARGS...", which runs that
// inside; "container backup FILE"; and "container restore FILE", into data of its
// own.
func containerCmd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: container start | stop | server ARGS... | backup FILE | restore FILE")
	}
	id := ts.Getenv("CONTAINER")
	switch args[0] {
	case "start":
		if ts.Getenv("VOLUME") == "" {
			ts.Setenv("CONTAINERPORT", freePort(ts))
			makeVolume(ts)
		}
		startContainer(ts)
	case "stop":
		_, err := podman(nil, "stop", "-t", "20", id)
		ts.Check(err)
		code, err := podman(nil, "inspect", "-f", "{{.State.ExitCode}}", id)
		ts.Check(err)
		if code != "0" {
			ts.Fatalf("the relay ended with %s", code)
		}
	case "server":
		out, err := podman(nil, append([]string{"exec", id}, args...)...)
		ts.Check(err)
		fmt.Fprint(ts.Stdout(), out)
	case "backup":
		out, err := podman(nil, "exec", id, "server", "backup", "-")
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(out), 0o600))
	case "restore":
		makeVolume(ts)
		backup := strings.NewReader(ts.ReadFile(args[1]))
		_, err := podman(backup, "run", "--rm", "-i", "--read-only", "--cap-drop", "ALL", "-v", ts.Getenv("VOLUME")+":/data", ts.Getenv("IMAGE"), "restore", "-")
		ts.Check(err)
	default:
		ts.Fatalf("container %s: unknown", args[0])
	}
}

func makeVolume(ts *testscript.TestScript) {
	name, err := podman(nil, "volume", "create")
	ts.Check(err)
	ts.Defer(func() { podman(nil, "volume", "rm", name) })
	ts.Setenv("VOLUME", name)
}

// startContainer returns when the health check passes.
func startContainer(ts *testscript.TestScript) {
	port := ts.Getenv("CONTAINERPORT")
	id, err := podman(nil, "create", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"-p", "127.0.0.1:"+port+":8443", "-v", ts.Getenv("VOLUME")+":/data",
		"-e", "SERVER_PUBLIC=wss://localhost:"+port, ts.Getenv("IMAGE"))
	ts.Check(err)
	ts.Defer(func() { podman(nil, "rm", "-f", id) })
	_, err = podman(nil, "start", id)
	ts.Check(err)
	late := time.Now().Add(endTime)
	for {
		// By hand, for podman asks by itself only where there is systemd.
		if _, err = podman(nil, "healthcheck", "run", id); err == nil {
			break
		}
		if time.Now().After(late) {
			said, _ := exec.Command("podman", "logs", id).CombinedOutput()
			ts.Fatalf("not healthy: %v\n%s", err, said)
		}
	}
	said, err := podman(nil, "logs", id)
	ts.Check(err)
	_, url, _ := strings.Cut(said, "--server ")
	ts.Setenv("RELAY", strings.Trim(url, "'"))
	ts.Setenv("CONTAINER", id)
}
