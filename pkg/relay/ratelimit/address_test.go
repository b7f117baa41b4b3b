package ratelimit

import (
	"net/http"
	"testing"
)

func TestAddressOf(t *testing.T) {
	same := [][2]string{
		{"192.0.2.7:1", "192.0.2.7:65535"},
		{"192.0.2.7:1", "[::ffff:192.0.2.7]:1"},
		{"[2001:db8:0:1::1]:1", "[2001:db8:0:1:ffff::2]:2"},
		{"[fe80::1%eth0]:1", "[fe80::2%eth1]:1"},
	}
	for _, pair := range same {
		if a, b := AddressOf(pair[0]), AddressOf(pair[1]); a != b || a == 0 {
			t.Errorf("%s and %s are %x and %x", pair[0], pair[1], a, b)
		}
	}
	for _, other := range []string{"192.0.2.8:1", "[2001:db8:0:1::1]:1", "[2001:db8:0:2::1]:1", "[::ffff:0:192.0.2.7]:1"} {
		if AddressOf(other) == AddressOf("192.0.2.7:1") {
			t.Errorf("%s is another", other)
		}
	}
	for _, nobody := range []string{"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "0.0.0.0:1", "pipe", "", "192.0.2.7"} {
		if a := AddressOf(nobody); a != 0 {
			t.Errorf("%q is %x, not nobody", nobody, a)
		}
	}
}

func TestClientOf(t *testing.T) {
	const proxy, peer = "127.0.0.1:5000", "198.51.100.9:5000"
	for _, c := range []struct {
		remote      string
		behindProxy bool
		forwarded   []string
		want        string // host:port
	}{
		{proxy, true, []string{"192.0.2.7"}, "192.0.2.7:1"},
		{proxy, true, []string{"203.0.113.1, 192.0.2.7"}, "192.0.2.7:1"},
		{proxy, true, []string{"203.0.113.1", "203.0.113.2,192.0.2.7"}, "192.0.2.7:1"},
		{proxy, true, []string{"192.0.2.7:4711"}, "192.0.2.7:1"},
		{proxy, true, []string{"2001:db8::1"}, "[2001:db8::1]:1"},
		{proxy, true, []string{"[2001:db8::1]:4711"}, "[2001:db8::1]:1"},
		{proxy, true, []string{"192.0.2.7, unknown"}, ""},
		{proxy, true, []string{"192.0.2.7,"}, ""},
		{proxy, true, nil, ""},
		{proxy, false, []string{"192.0.2.7"}, ""},
		{peer, true, []string{"192.0.2.7"}, peer},
		{peer, false, []string{"192.0.2.7"}, peer},
	} {
		req := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := ClientOf(req, c.behindProxy); got != AddressOf(c.want) {
			t.Errorf("from %s, behind a proxy: %v, forwarded for %q: %x, not that of %q", c.remote, c.behindProxy, c.forwarded, got, c.want)
		}
	}
}
