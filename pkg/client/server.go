package client

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// DefaultServer is where a relay is looked for when nothing else is known.
const DefaultServer = "wss://localhost:8443"

const defaultPort = "8443"

// Server is the address of a relay, written wss://host:port#PIN.
type Server struct {
	Host   string             // name in lower case, or IP address
	Port   string             // decimal
	Plain  bool               // ws:// instead of wss://, on loopback only
	WebPKI bool               // its TLS certificate is a public authority's, not the relay key's
	Pin    crypto.Fingerprint // of the relay key; empty if not known
}

// ParseServer reads what a user gives as a server: wss://host:port#PIN, where
// all but the host may be left out.
func ParseServer(s string) (Server, error) {
	bad := func(why string) (Server, error) {
		return Server{}, &Error{Code: CodeUsage, Text: "The server address " + why + ". Write it like wss://chat.example.org:8443 or wss://host:8443#FINGERPRINT."}
	}
	if !strings.Contains(s, "://") {
		s = "wss://" + s
	}
	u, err := url.Parse(s)
	if err == nil && u.Query().Has("invite") {
		return bad("is the link of an invite, which is for --invite")
	}
	if err != nil || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return bad("is not one")
	}
	v := Server{Host: strings.ToLower(u.Hostname()), Port: u.Port()}
	if !isHost(v.Host) {
		return bad("has no host, or one that is neither a name (in ASCII; punycode for others) nor an IP address")
	}
	switch u.Scheme {
	case "wss", "https":
	case "ws", "http":
		v.Plain = true
		if ip := net.ParseIP(v.Host); v.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return bad("is not encrypted, which is allowed on this machine only")
		}
	default:
		return bad("begins with an unknown scheme")
	}
	if v.Port == "" {
		v.Port = defaultPort
	}
	n, err := strconv.ParseUint(v.Port, 10, 16)
	if err != nil || n == 0 {
		return bad("has a port that is not between 1 and 65535")
	}
	// One relay has one address, or it would have two profiles.
	v.Port = strconv.FormatUint(n, 10)
	if ip, err := netip.ParseAddr(v.Host); err == nil {
		v.Host = ip.Unmap().String()
	}
	if u.Fragment != "" {
		if v.Pin, err = crypto.ParseFingerprint(u.Fragment); err != nil {
			return bad("has something behind the # that is no fingerprint")
		}
	}
	return v, nil
}

// isHost admits names and IP addresses without a zone: what can be dialled
// stands in proofs, in folders' names and on screens.
func isHost(s string) bool {
	if net.ParseIP(s) != nil {
		return true
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= protocol.MaxHost
}

// Address is host:port.
func (s Server) Address() string { return net.JoinHostPort(s.Host, s.Port) }

// String writes the address with its PIN, so that it can be given to ParseServer.
func (s Server) String() string {
	scheme := "wss://"
	if s.Plain {
		scheme = "ws://"
	}
	if s.Pin == "" {
		return scheme + s.Address()
	}
	return scheme + s.Address() + "#" + string(s.Pin)
}

func (s Server) http(path string) string {
	if s.Plain {
		return "http://" + s.Address() + path
	}
	return "https://" + s.Address() + path
}

func (s Server) socket(path string) string {
	if s.Plain {
		return "ws://" + s.Address() + path
	}
	return "wss://" + s.Address() + path
}
