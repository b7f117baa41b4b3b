package ratelimit

import (
	"encoding/binary"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
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

// Proxies are the networks of proxies, whose word on the addresses of clients
// counts.
type Proxies []netip.Prefix

// ThisMachine is where the proxy of a relay without TLS is. A relay with TLS
// trusts nobody by itself: whoever forwards to it from this machine may well be
// a tunnel that cannot write into the request.
func ThisMachine() Proxies {
	return Proxies{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// ParseProxies reads networks in CIDR notation, or single addresses.
func ParseProxies(texts []string) (Proxies, error) {
	var p Proxies
	for _, text := range texts {
		network, err := netip.ParsePrefix(text)
		if ip, ipErr := netip.ParseAddr(text); err != nil && ipErr == nil && ip.Zone() == "" {
			network, err = ip.Prefix(ip.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no network of proxies; write it like 10.0.0.0/8 or 192.0.2.7", text)
		}
		p = append(p, network.Masked())
	}
	return p, nil
}

func (p Proxies) have(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(network netip.Prefix) bool { return network.Contains(ip) })
}

// PeerOf is AddressOf, and nobody's for a proxy: through it all the world comes.
func (p Proxies) PeerOf(remote string) Address {
	if ap, err := netip.ParseAddrPort(remote); err == nil && p.have(ap.Addr()) {
		return 0
	}
	return AddressOf(remote)
}

// ClientOf gives the address of a request's client. What a proxy has seen is
// the last address in X-Forwarded-For; where that is a proxy too, the one
// before it. All before the first that is none is what the client says, and so
// is the whole header when it comes from anybody else.
func (p Proxies) ClientOf(req *http.Request) Address {
	peer, err := netip.ParseAddrPort(req.RemoteAddr)
	lines := req.Header.Values("X-Forwarded-For")
	if err != nil || !p.have(peer.Addr()) || len(lines) == 0 {
		return p.PeerOf(req.RemoteAddr)
	}
	seen := strings.Split(strings.Join(lines, ","), ",")
	for _, text := range slices.Backward(seen) {
		ip, ok := forwarded(strings.TrimSpace(text))
		if !ok {
			return 0
		}
		if !p.have(ip) {
			return addressOf(ip)
		}
	}
	return 0
}

// forwarded reads an address as proxies write it; some add the port.
func forwarded(text string) (netip.Addr, bool) {
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip, true
	}
	ap, err := netip.ParseAddrPort(text)
	return ap.Addr(), err == nil
}
