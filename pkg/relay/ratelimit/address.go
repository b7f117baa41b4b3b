package ratelimit

import (
	"encoding/binary"
	"net/http"
	"net/netip"
	"strings"
)

// Address is who is counted as one: an IPv4 address, or an IPv6 network of
// /64, which is what one customer has at the least. The zero Address is
// nobody's, and no limit by address applies to it: a peer on this machine is
// its owner, or a proxy or tunnel through which all the world comes.
type Address uint64

// v4 marks IPv4 addresses, in a part of IPv6 that is not routed (0000::/8).
const v4 = 0xffff << 32

// AddressOf gives the address of a peer from its host:port.
func AddressOf(remote string) Address {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return 0
	}
	return addressOf(ap.Addr())
}

func addressOf(ip netip.Addr) Address {
	ip = ip.Unmap()
	switch {
	case !ip.IsValid() || ip.IsLoopback() || ip.IsUnspecified():
		return 0
	case ip.Is4():
		b := ip.As4()
		return v4 | Address(binary.BigEndian.Uint32(b[:]))
	}
	b := ip.As16()
	return Address(binary.BigEndian.Uint64(b[:8]))
}

// ClientOf gives the address of a request's client. A relay without TLS has a
// proxy on its own machine before it, whose word it takes: the last address in
// X-Forwarded-For is the one that the proxy has seen, all before it are what
// the client says. A relay with TLS must not: whoever forwards to it cannot
// have written into the request.
func ClientOf(req *http.Request, behindProxy bool) Address {
	peer := AddressOf(req.RemoteAddr)
	lines := req.Header.Values("X-Forwarded-For")
	if peer != 0 || !behindProxy || len(lines) == 0 {
		return peer
	}
	last := lines[len(lines)-1]
	last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	if ip, err := netip.ParseAddr(last); err == nil {
		return addressOf(ip)
	}
	return AddressOf(last) // some proxies add the port
}
