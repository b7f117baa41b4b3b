package ratelimit

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how many are admitted in how long a time on average, and how many
// at once after a quiet time. The zero Rate is no limit.
type Rate struct {
	Count int64
	Per   time.Duration // one of a second, a minute, an hour and a day
	Burst int64
}

// Off reports whether the rate is no limit.
func (r Rate) Off() bool { return r == Rate{} }

// PerSecond is the average in a second.
func (r Rate) PerSecond() float64 { return float64(r.Count) / r.Per.Seconds() }

func (r Rate) limiter() *rate.Limiter {
	if r.Off() {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(r.PerSecond()), int(r.Burst))
}

const day = 24 * time.Hour

// periods are what a rate may be for, as it is written.
var periods = []struct {
	name string
	per  time.Duration
}{{"s", time.Second}, {"min", time.Minute}, {"h", time.Hour}, {"d", day}}

// off is how no limit is written.
const off = "off"

// format writes a rate as parseRate reads it.
func (r Rate) format(u unit) string {
	if r.Off() {
		return off
	}
	for _, p := range periods {
		if p.per == r.Per {
			return fmt.Sprintf("%s/%s burst %s", u.format(r.Count), p.name, u.format(r.Burst))
		}
	}
	return "invalid"
}

// parseRate reads "30/h burst 100" or "2 MiB/s burst 32 MiB" or "off".
func parseRate(s string, u unit) (Rate, bool) {
	if s == off {
		return Rate{}, true
	}
	each, burst, found := strings.Cut(s, " burst ")
	count, period, ok := strings.Cut(each, "/")
	if !found || !ok {
		return Rate{}, false
	}
	for _, p := range periods {
		if p.name == period {
			n, okCount := u.parse(count)
			b, okBurst := u.parse(burst)
			return Rate{n, p.per, b}, okCount && okBurst && n > 0
		}
	}
	return Rate{}, false
}

// unit is what a number counts.
type unit int

const (
	things unit = iota // written as a number
	octets             // written with one of sizes
)

var sizes = []struct {
	name string
	size int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

func (u unit) format(n int64) string {
	if u == octets {
		for _, s := range sizes {
			if n%s.size == 0 && n >= s.size {
				return fmt.Sprintf("%d %s", n/s.size, s.name)
			}
		}
	}
	return strconv.FormatInt(n, 10)
}

func (u unit) parse(s string) (int64, bool) {
	scale := int64(1)
	if u == octets {
		number, name, _ := strings.Cut(s, " ")
		scale = 0
		for _, size := range sizes {
			if size.name == name {
				s, scale = number, size.size
			}
		}
		if scale == 0 {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 || s[0] == '+' || n > maxAmount/scale {
		return 0, false
	}
	return n * scale, true
}

// maxAmount keeps every number where a float64 is exact, as are the tokens.
const maxAmount = 1 << 50
