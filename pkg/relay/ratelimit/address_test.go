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
	const proxy, peer, balancer = "127.0.0.1:5000", "198.51.100.9:5000", "10.1.2.3:5000"
	far, err := ParseProxies([]string{"10.0.0.0/8", "2001:db8:7::/48", "203.0.113.9"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		remote    string
		proxies   Proxies
		forwarded []string
		want      string // host:port
	}{
		{proxy, ThisMachine(), []string{"192.0.2.7"}, "192.0.2.7:1"},
		{proxy, ThisMachine(), []string{"203.0.113.1, 192.0.2.7"}, "192.0.2.7:1"},
		{proxy, ThisMachine(), []string{"203.0.113.1", "203.0.113.2,192.0.2.7"}, "192.0.2.7:1"},
		{proxy, ThisMachine(), []string{"192.0.2.7:4711"}, "192.0.2.7:1"},
		{proxy, ThisMachine(), []string{"2001:db8::1"}, "[2001:db8::1]:1"},
		{proxy, ThisMachine(), []string{"[2001:db8::1]:4711"}, "[2001:db8::1]:1"},
		{proxy, ThisMachine(), []string{"192.0.2.7, 127.0.0.1"}, "192.0.2.7:1"},
		{proxy, ThisMachine(), []string{"192.0.2.7, unknown"}, ""},
		{proxy, ThisMachine(), []string{"192.0.2.7,"}, ""},
		{proxy, ThisMachine(), []string{"127.0.0.1"}, ""},
		{proxy, ThisMachine(), nil, ""},
		{"[::ffff:127.0.0.1]:9", ThisMachine(), []string{"192.0.2.7"}, "192.0.2.7:1"},
		{proxy, nil, []string{"192.0.2.7"}, ""},
		{proxy, far, []string{"192.0.2.7"}, ""},
		{peer, ThisMachine(), []string{"192.0.2.7"}, peer},
		{peer, nil, []string{"192.0.2.7"}, peer},
		{peer, far, []string{"192.0.2.7"}, peer},
		{balancer, far, []string{"192.0.2.7"}, "192.0.2.7:1"},
		{balancer, far, []string{"192.0.2.1, 192.0.2.7, 10.9.9.9, 203.0.113.9"}, "192.0.2.7:1"},
		{balancer, far, nil, ""},
		{"[2001:db8:7::1]:5", far, []string{"192.0.2.7"}, "192.0.2.7:1"},
	} {
		req := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := c.proxies.ClientOf(req); got != AddressOf(c.want) {
			t.Errorf("from %s, proxies %v, forwarded for %q: %x, not that of %q", c.remote, c.proxies, c.forwarded, got, c.want)
		}
	}
	if got := far.PeerOf(balancer); got != 0 {
		t.Errorf("the world behind a proxy counts as one: %x", got)
	}
	for _, wrong := range []string{"", "10.0.0.0/33", "proxy.example.org", "fe80::1%eth0", "10.0.0.0/8,10.1.0.0/16"} {
		if _, err := ParseProxies([]string{wrong}); err == nil {
			t.Errorf("%q is a network", wrong)
		}
	}
}
