package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"secure-messaging/pkg/crypto"
	"secure-messaging/pkg/protocol"
)

// transferPatience is how long a file that is on its way may stand still: a relay
// gives each piece half of it.
const transferPatience = time.Minute

// goAheadPatience is how long a relay is waited for that may not want the bytes of
// a file at all. Some proxies never pass on that it does; and what has left by then
// for nothing is little.
const goAheadPatience = time.Second

// fileCall is one request to the relay about a sealed file.
type fileCall struct {
	method string
	blob   crypto.FileID
	from   int64 // of the sealed bytes, to fetch the rest

	// To store it.
	body   io.Reader
	length int64
	digest [32]byte
}

// transfers makes such requests.
type transfers struct {
	http http.Client
	skew time.Duration // of the relay's clock, as it has said
}

// newTransfers makes what makes requests. Each has a connection of its own: they
// are few and long.
func (c *Client) newTransfers() *transfers {
	with := func(t *tls.Config) *http.Transport {
		return &http.Transport{
			Proxy: proxy, DialContext: c.netDial, TLSClientConfig: t, DisableKeepAlives: true, DisableCompression: true,
			TLSHandshakeTimeout: httpTimeout, ExpectContinueTimeout: goAheadPatience, ResponseHeaderTimeout: transferPatience, MaxResponseHeaderBytes: maxHandshake,
		}
	}
	return &transfers{http: http.Client{
		Transport:     c.session.keys.transport(with),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// do makes a request, and returns the answer if it is one of success. Its body
// ends with an error when nothing moves for transferPatience.
func (t *transfers) do(ctx context.Context, k Keys, call fileCall) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	watch := &watchedReader{stop: cancel}
	watch.timer = time.AfterFunc(transferPatience, func() { cancel(errStandsStill) })
	req, err := http.NewRequestWithContext(ctx, call.method, k.Server.http(protocol.PathFiles+call.blob.String()), nil)
	if err != nil {
		watch.Close()
		return nil, &Error{Code: CodeUsage, Err: err, Text: "The server address cannot be used. Write it like wss://chat.example.org:8443."}
	}
	if call.body != nil {
		req.Body, req.ContentLength = &watchedReader{r: call.body, timer: watch.timer}, call.length
		req.Header.Set("Expect", "100-continue") // the relay may have it, or no room
	}
	if call.from > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", call.from))
	}
	proof := crypto.FileRequest{
		Relay: k.Relay, Address: k.Certificate.Address(), Method: call.method, File: call.blob,
		Time: time.UnixMilli(time.Now().Add(t.skew).UnixMilli()), Length: call.length, Digest: call.digest,
	}
	req.Header.Set("Authorization", protocol.FileProof{
		Address: proof.Address, Time: protocol.Milli(proof.Time), Signature: proof.Sign(k.Device), Digest: proof.Digest,
	}.String())
	resp, err := t.http.Do(req)
	if err != nil {
		watch.Close()
		if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
			err = cause
		}
		return nil, unreachable(k.Server, err)
	}
	watch.r = resp.Body
	resp.Body = watch
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer watch.Close()
	return nil, t.refused(k.Server, resp)
}

var errStandsStill = fmt.Errorf("nothing has moved for %v: %w", transferPatience, context.DeadlineExceeded)

// watchedReader says on each read that something moves.
type watchedReader struct {
	r     io.Reader
	timer *time.Timer
	stop  context.CancelCauseFunc // nil for what is sent
}

// Read implements io.Reader.
func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if n > 0 {
		w.timer.Reset(transferPatience)
	}
	return n, err
}

// Close implements io.Closer.
func (w *watchedReader) Close() error {
	if w.stop == nil {
		return nil
	}
	w.timer.Stop()
	w.stop(context.Canceled)
	if body, ok := w.r.(io.Closer); ok {
		return body.Close()
	}
	return nil
}

// fileRefusal is what a relay says of a file for good: a clause for the user.
type fileRefusal struct {
	code protocol.Code
	why  string
}

// Error implements error.
func (f *fileRefusal) Error() string { return f.why }

// errBadBytes is what a relay says of bytes that are not what the request says.
var errBadBytes = errors.New("the bytes are not as they were")

// refused says why a request was not answered with success: a *fileRefusal where
// it is no use to ask again, and else an error that says when.
func (t *transfers) refused(s Server, resp *http.Response) error {
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, protocol.MaxBody+1)) // what cannot be read is no relay's answer
	var e protocol.HTTPError
	if protocol.DecodeBody(answer, &e) != nil {
		if resp.StatusCode == http.StatusRequestEntityTooLarge { // a proxy in front of the relay
			return &fileRefusal{protocol.CodeTooLarge, "the relay takes no file that large"}
		}
		return notLikeRelay(s, resp.StatusCode)
	}
	switch e.Code {
	case protocol.CodeNoFile:
		return &fileRefusal{e.Code, "the relay has it no more"}
	case protocol.CodeNotFound:
		return &fileRefusal{e.Code, "this relay does not take files; its operator can update it"}
	case protocol.CodeTooLarge:
		return &fileRefusal{e.Code, "the relay takes no file that large"}
	case protocol.CodeFilesFull:
		return &fileRefusal{e.Code, "your files fill what the relay keeps for one account; delete some, or send it again in some days"}
	case protocol.CodeRelayFull:
		return &fileRefusal{e.Code, "the relay has no room for more files; send it again later, or tell its operator"}
	case protocol.CodeRateLimited:
		return tooFast(s, slowHeader(resp.Header))
	case protocol.CodeStale:
		if now, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			t.skew = time.Until(now)
		}
		return &Error{Code: CodeRefused, Text: "The clock of this machine is not that of the relay. Set it, if it is this one that is wrong."}
	case protocol.CodeBadFrame:
		return &Error{Code: CodeRefused, Err: errBadBytes, Text: httpError(s, resp.StatusCode, answer).Error()}
	case protocol.CodeUnavailable, protocol.CodeMethod:
		return httpError(s, resp.StatusCode, answer)
	}
	return &fileRefusal{e.Code, "the relay refused it (" + printable(string(e.Code)) + ")"}
}
