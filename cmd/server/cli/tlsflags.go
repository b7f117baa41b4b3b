package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"secure-messaging/internal/relayhost"
	"secure-messaging/pkg/relay/ratelimit"
)

// tlsFlags say how connections are secured, and who stands in front.
type tlsFlags struct {
	mode, min     string
	cert, key     string
	acme          relayhost.ACMEAuthority
	proxies       []string
	plainAnywhere bool
}

func (t *tlsFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&t.mode, "tls", relayhost.SelfSigned, "self-signed (clients pin the relay's key), files, acme, or off (behind a proxy)")
	flags.StringVar(&t.min, "tls-min", "1.3", "oldest version of TLS: 1.3 or 1.2")
	flags.StringVar(&t.cert, "tls-cert", "", "file of the certificate in PEM, the leaf first; looked at for changes")
	flags.StringVar(&t.key, "tls-key", "", "file of its key in PEM")
	flags.StringSliceVar(&t.acme.Domains, "acme-domain", nil, "name to get a certificate for; its port 443 has to lead here")
	flags.StringVar(&t.acme.Email, "acme-email", "", "where the authority writes when something is wrong")
	flags.StringVar(&t.acme.Directory, "acme-directory", "", "ACME directory of another authority than Let's Encrypt; to use one is to agree to its terms")
	flags.StringVar(&t.acme.CAFile, "acme-ca", "", "certificate that the authority's own server is checked by, in PEM")
	flags.StringSliceVar(&t.proxies, "trusted-proxy", nil, "networks whose X-Forwarded-For counts, e.g. 10.0.0.0/8 (with --tls off: this machine)")
	flags.BoolVar(&t.plainAnywhere, "plain-anywhere", false, "with --tls off, listen on other than loopback addresses too: whoever is on the way sees who talks to whom")
}

// onlyWith names the flags that mean something in one mode alone.
var onlyWith = map[string]string{
	"tls-cert": relayhost.Files, "tls-key": relayhost.Files, "plain-anywhere": relayhost.Off,
	"acme-domain": relayhost.ACME, "acme-email": relayhost.ACME, "acme-directory": relayhost.ACME, "acme-ca": relayhost.ACME,
}

// config puts the flags into cfg, or says which of them cannot be.
func (t *tlsFlags) config(cfg *relayhost.Config, given func(name string) bool) (err error) {
	if !slices.Contains(relayhost.TLSModes, t.mode) {
		return fmt.Errorf("--tls is %s, not %q", strings.Join(relayhost.TLSModes, ", "), t.mode)
	}
	if t.min != "1.3" && t.min != "1.2" {
		return fmt.Errorf("--tls-min is 1.3 or 1.2, not %q", t.min)
	}
	for _, name := range slices.Sorted(maps.Keys(onlyWith)) {
		if mode := onlyWith[name]; given(name) && t.mode != mode {
			return fmt.Errorf("--%s is for --tls %s, and this is --tls %s; leave out one of them", name, mode, t.mode)
		}
	}
	if cfg.Proxies, err = ratelimit.ParseProxies(t.proxies); err != nil {
		return fmt.Errorf("--trusted-proxy: %w", err)
	}
	cfg.TLS = relayhost.TLS{
		Mode: t.mode, TLS12: t.min == "1.2",
		CertFile: t.cert, KeyFile: t.key, ACME: t.acme, PlainAnywhere: t.plainAnywhere,
	}
	return nil
}
