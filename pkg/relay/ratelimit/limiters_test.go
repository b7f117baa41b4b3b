package ratelimit

import (
	"testing"
	"testing/synctest"
	"time"
)

// Each limiter has its own limit, not its neighbour's.
func TestLimiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Limits
		n := int64(100)
		for _, e := range entries {
			n++
			if e.rate != nil {
				*e.rate(&l) = Rate{1, day, n}
			} else {
				*e.number(&l) = n
			}
		}
		s := NewLimiters(l)
		// One limit of a flow at a time: the others are beyond it.
		only := func(r func(*Limits) *Rate) *Flow {
			o := Limits{}
			*r(&o) = *r(&l)
			return newFlows(o).Enter(time.Now(), "alice")
		}
		frames := only(func(l *Limits) *Rate { return &l.FramesPerUser })
		bytes := only(func(l *Limits) *Rate { return &l.BytesPerUser })
		sustained := only(func(l *Limits) *Rate { return &l.SustainedFramesPerUser })
		for name, c := range map[string]struct{ got, want int64 }{
			"connections":         {count(func() bool { return s.ConnectionsOf.Enter(1) }), l.ConnectionsPerAddress},
			"logins":              {count(func() bool { return s.PendingLoginsOf.Enter(1) }), l.PendingLoginsPerAddress},
			"HTTP":                {count(func() bool { return s.HTTPConnectionsOf.Enter(1) }), l.HTTPConnectionsPerAddress},
			"connects":            {burst(s.ConnectsOf, 1), l.ConnectsPerAddress.Burst},
			"requests":            {burst(s.RequestsOf, 1), l.RequestsPerAddress.Burst},
			"registrations":       {burst(s.RegistrationsOf, 1), l.RegistrationsPerAddress.Burst},
			"requests to connect": {burst(s.ConnectRequestsOf, "alice"), l.ConnectRequestsPerUser.Burst},
			"fetches":             {burst(s.PrekeyFetchesOf, "alice"), l.PrekeyFetchesPerUser.Burst},
			"publications":        {burst(s.PrekeyPublicationsOf, "alice"), l.PrekeyPublicationsPerUser.Burst},
			"one-time prekeys":    {burst(s.OneTimePrekeysOf, "alice"), l.OneTimePrekeysPerTarget.Burst},
			"all registrations":   {count(func() bool { _, ok := s.Registrations.Allow(time.Now()); return ok }), l.Registrations.Burst},
			"frames":              {count(func() bool { wait, _, ok := frames.Admit(time.Now(), 1, 0); return ok && wait == 0 }), l.FramesPerUser.Burst},
			"sustained":           {count(func() bool { _, _, ok := sustained.Admit(time.Now(), 1, 0); return ok }), l.SustainedFramesPerUser.Burst},
			"bytes":               {count(func() bool { wait, _, ok := bytes.Admit(time.Now(), 0, 1); return ok && wait == 0 }), l.BytesPerUser.Burst},
		} {
			if c.got != c.want {
				t.Errorf("%s: %d admitted, not %d", name, c.got, c.want)
			}
		}
	})
}

func count(admit func() bool) (n int64) {
	for admit() {
		n++
	}
	return n
}

func burst[K comparable](k *Keyed[K], key K) int64 {
	return count(func() bool { _, ok := k.Allow(time.Now(), key); return ok })
}
