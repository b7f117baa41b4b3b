// Package procusage tells what another process has used, for measurements.
package procusage

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Usage is what a process has used.
type Usage struct {
	CPU  time.Duration // user and system, since it began
	RSS  int64         // resident bytes
	Peak int64         // the most that was ever resident, 0 where the system does not say
}

// ticks is the unit of times in /proc: every Linux that Go runs on has this
// USER_HZ.
const ticks = 100

// Of reads /proc on Linux, to 10 ms, and asks ps elsewhere, which on some
// systems knows whole seconds alone. Windows has neither.
func Of(process int) (Usage, error) {
	pid := strconv.Itoa(process)
	if runtime.GOOS == "linux" {
		return fromProc("/proc/" + pid)
	}
	out, err := exec.Command("ps", "-o", "time=,rss=", "-p", pid).Output()
	if err != nil {
		return Usage{}, fmt.Errorf("this system does not tell what a process uses: %w", err)
	}
	return parsePS(string(out))
}

func fromProc(dir string) (u Usage, err error) {
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return u, err
	}
	// The name in parentheses may hold anything; utime and stime are the 12th
	// and 13th field behind it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 13 {
		return u, errors.New("/proc has another form than expected")
	}
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return u, err
		}
		u.CPU += time.Duration(n) * time.Second / ticks
	}
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return u, err
	}
	for line := range strings.Lines(string(status)) {
		var n *int64
		switch {
		case strings.HasPrefix(line, "VmRSS:"):
			n = &u.RSS
		case strings.HasPrefix(line, "VmHWM:"):
			n = &u.Peak
		default:
			continue
		}
		kib, err := strconv.ParseInt(strings.Fields(line)[1], 10, 64)
		if err != nil {
			return u, err
		}
		*n = kib << 10
	}
	return u, nil
}

// parsePS reads "[[days-]hours:]minutes:seconds[.hundredths] kibibytes".
func parsePS(line string) (u Usage, err error) {
	f := strings.Fields(line)
	if len(f) != 2 {
		return u, fmt.Errorf("ps answers %q", line)
	}
	kib, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		return u, err
	}
	u.RSS = kib << 10
	days, clock, ok := strings.Cut(f[0], "-")
	if !ok {
		days, clock = "0", f[0]
	}
	seconds, err := strconv.ParseFloat(days, 64)
	if err != nil {
		return u, err
	}
	seconds *= 24 // hours, then minutes, then seconds
	parts := strings.Split(clock, ":")
	for len(parts) < 3 {
		parts = append([]string{"0"}, parts...)
	}
	for i, part := range parts {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return u, err
		}
		if i > 0 {
			seconds *= 60
		}
		seconds += n
	}
	u.CPU = time.Duration(seconds * float64(time.Second))
	return u, nil
}
