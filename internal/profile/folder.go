package profile

import (
	"net"
	"strconv"
	"strings"

	"secure-messaging/pkg/client"
)

// maxFolder is the longest name of a folder that every file system takes, in bytes.
const maxFolder = 255

// folderName writes name and host:port so that every file system takes it and
// parseFolder reads it: alice@chat.example.org+8443, bob@++1+8443 for the
// relay at [::1]:8443. A colon becomes +; whatever else is not a small letter,
// a digit, a dot or a hyphen becomes = and two hex digits.
func folderName(name, server string) (string, error) {
	if _, err := client.ParseName(name); err != nil {
		return "", err
	}
	host, port, err := net.SplitHostPort(server)
	if err != nil || host == "" || port == "" || net.JoinHostPort(host, port) != server {
		return "", &client.Error{Code: client.CodeUsage, Text: "The address of a relay is written host:port."}
	}
	folder := name + "@" + escape(host) + "+" + escape(port)
	if len(folder) > maxFolder {
		return "", &client.Error{Code: client.CodeUsage, Text: "The address of the relay is too long to name a folder after. Use a shorter name for its host."}
	}
	return folder, nil
}

// parseFolder takes a folder's name apart; ok is false for any that folderName
// does not give.
func parseFolder(folder string) (name, server string, ok bool) {
	name, rest, ok := strings.Cut(folder, "@")
	if !ok {
		return "", "", false
	}
	i := strings.LastIndexByte(rest, '+')
	if i < 0 {
		return "", "", false
	}
	host, okHost := unescape(rest[:i])
	port, okPort := unescape(rest[i+1:])
	if !okHost || !okPort {
		return "", "", false
	}
	server = net.JoinHostPort(host, port)
	again, err := folderName(name, server)
	return name, server, err == nil && again == folder
}

func escape(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch {
		case c == ':':
			b.WriteByte('+')
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.', c == '-':
			b.WriteByte(c)
		default:
			const hex = "0123456789abcdef"
			b.Write([]byte{'=', hex[c>>4], hex[c&15]})
		}
	}
	return b.String()
}

func unescape(s string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '+':
			b.WriteByte(':')
		case '=':
			if i+3 > len(s) {
				return "", false
			}
			c, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
			if err != nil {
				return "", false
			}
			b.WriteByte(byte(c))
			i += 2
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), true
}
