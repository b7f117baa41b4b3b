package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"secure-messaging/pkg/crypto"
)

func verifyPublic(cs tls.ConnectionState, host string) error {
	opts := x509.VerifyOptions{DNSName: host, Intermediates: x509.NewCertPool()}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	_, err := cs.PeerCertificates[0].Verify(opts)
	return err
}

// tlsConfig admits only the pinned relay, by its own certificate. For one that was
// met by the public authorities' word it admits that, too; then the relay's key is
// checked by its challenge.
func (k Keys) tlsConfig() *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS13, // no proxy of an older kind stands in front
		NextProtos: []string{"http/1.1"},
		ServerName: k.Server.Host,

		InsecureSkipVerify: true, // replaced by what follows
		VerifyConnection: func(cs tls.ConnectionState) error {
			err := crypto.VerifyTLS(k.Relay, cs.PeerCertificates[0], time.Now())
			switch {
			case !errors.Is(err, crypto.ErrTLSSigner):
				return err
			case !k.Server.WebPKI:
				return errTLSPin
			}
			err = verifyPublic(cs, k.Server.Host)
			var invalid x509.CertificateInvalidError
			switch {
			case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
				return fmt.Errorf("%w: %w", errTLSPublic, crypto.ErrTLSExpired)
			case err != nil:
				return fmt.Errorf("%w: %w", errTLSPublic, err)
			}
			return nil
		},
	}
	if k.Server.WebPKI {
		c.MinVersion = tls.VersionTLS12
	}
	return c
}

var (
	errTLSPin    = errors.New("the TLS certificate is not signed by the pinned key of the relay")
	errTLSPublic = errors.New("the TLS certificate is not good for this host")
)

// shownAnother reports whether a relay has shown a certificate that is neither its
// own nor one that is taken in its place.
func shownAnother(err error) bool { return errors.Is(err, errTLSPin) || errors.Is(err, errTLSPublic) }

// nobodys is a name that no certificate is for (RFC 2606). To name none would bring
// a public one that is for an address.
const nobodys = "relay.invalid"

// misnamed returns c for a handshake by that name. A relay that has got a public
// certificate shows its own then.
func misnamed(c *tls.Config) *tls.Config {
	c = c.Clone()
	c.ServerName = nobodys
	return c
}

// twoTries is a transport for a relay that is known by its key. One that shows a
// certificate that is not taken is asked once more, by no name of its. The first try
// has it, for there may be a switch in front that looks for it.
type twoTries struct{ named, misnamed http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t twoTries) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.named.RoundTrip(req)
	if shownAnother(err) { // before anything of the body was read
		first := err
		resp, err = t.misnamed.RoundTrip(req.Clone(req.Context()))
		err = ofTwoTries(first, err)
	}
	return resp, err
}

// ofTwoTries is what comes of the second. Many proxies have nothing but an alert of
// TLS for who names another: then the certificate that the first was shown says more.
func ofTwoTries(first, second error) error {
	var alert *net.OpError
	if errors.As(second, &alert) && alert.Op == "remote error" {
		return first
	}
	return second
}

// transport makes what requests go through.
func (k Keys) transport(with func(*tls.Config) *http.Transport) http.RoundTripper {
	c := k.tlsConfig()
	return twoTries{with(c), with(misnamed(c))}
}

func (k Keys) httpClient() *http.Client { return newHTTPClient(k.transport(newTransport)) }

// proxy is the user's, from the environment. One that itself speaks TLS is
// refused: it would be checked by the rules for a relay, or not at all.
func proxy(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err == nil && u != nil && u.Scheme == "https" {
		return nil, errProxyTLS
	}
	return u, err
}

var errProxyTLS = errors.New("the proxy speaks TLS")

// newHTTPClient makes a client for one or two requests. It follows no
// redirect: a relay has no business to send us elsewhere.
func newHTTPClient(t http.RoundTripper) *http.Client {
	return &http.Client{
		Timeout:       httpTimeout,
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func newTransport(t *tls.Config) *http.Transport {
	return &http.Transport{Proxy: proxy, DisableKeepAlives: true, TLSClientConfig: t}
}
