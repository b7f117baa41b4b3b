// Package version says which build of the product this is.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"secure-messaging/pkg/protocol"
)

// Info describes a build.
type Info struct {
	Version  string `json:"version"`          // of the module, or "devel"
	Commit   string `json:"commit,omitempty"` // empty where the build knows none
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Protocol int    `json:"protocol"` // version of the frames
}

// Get reads what the Go toolchain has written into the program.
func Get() Info {
	i := Info{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Protocol: protocol.Version}
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return i
	}
	if v := b.Main.Version; v != "" && v != "(devel)" {
		i.Version = v
	}
	for _, s := range b.Settings {
		switch s.Key {
		case "vcs.revision":
			i.Commit = s.Value
		case "vcs.modified":
			i.Modified = s.Value == "true"
		}
	}
	return i
}

// String is one line for people.
func (i Info) String() string {
	s := i.Version
	if i.Commit != "" {
		s += " (" + i.Commit[:min(12, len(i.Commit))]
		if i.Modified {
			s += ", modified"
		}
		s += ")"
	}
	return fmt.Sprintf("%s, %s, %s, protocol %d", s, i.Go, i.Platform, i.Protocol)
}
