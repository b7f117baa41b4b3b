package relayadmin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-json-experiment/json"

	"secure-messaging/pkg/crypto"
)

// Client calls the relay that runs on a data directory.
type Client struct {
	dir  string
	http *http.Client
}

// NewClient makes a client for the relay on a data directory, whose socket a
// http.Client leads to.
func NewClient(dataDir string, socket *http.Client) *Client {
	socket.Timeout = callTimeout
	return &Client{dataDir, socket}
}

// Relay says what runs.
func (c *Client) Relay(ctx context.Context) (r Relay, err error) {
	return r, c.call(ctx, "GET", "/relay", nil, &r)
}

// Stats returns what the relay counts.
func (c *Client) Stats(ctx context.Context) (s Stats, err error) {
	return s, c.call(ctx, "GET", "/stats", nil, &s)
}

// Users returns at most max users behind a name.
func (c *Client) Users(ctx context.Context, after string, max int) (page []User, err error) {
	query := url.Values{"after": {after}, "max": {strconv.Itoa(max)}}
	return page, c.call(ctx, "GET", "/users?"+query.Encode(), nil, &page)
}

// User returns one user.
func (c *Client) User(ctx context.Context, name string) (u User, err error) {
	return u, c.call(ctx, "GET", userPath(name), nil, &u)
}

// Suspend keeps a user out until Resume.
func (c *Client) Suspend(ctx context.Context, name string) error {
	return c.call(ctx, "POST", userPath(name)+"/suspend", nil, nil)
}

// Resume lets a user in again.
func (c *Client) Resume(ctx context.Context, name string) error {
	return c.call(ctx, "POST", userPath(name)+"/resume", nil, nil)
}

// Remove forgets a user for good.
func (c *Client) Remove(ctx context.Context, name string) error {
	return c.call(ctx, "DELETE", userPath(name), nil, nil)
}

// Invites returns all invites.
func (c *Client) Invites(ctx context.Context) (list []Invite, err error) {
	return list, c.call(ctx, "GET", "/invites", nil, &list)
}

// Invite makes an invite.
func (c *Client) Invite(ctx context.Context, o Order) (m Made, err error) {
	return m, c.call(ctx, "POST", "/invites", o, &m)
}

// Revoke forgets an invite.
func (c *Client) Revoke(ctx context.Context, id crypto.InviteID) error {
	return c.call(ctx, "DELETE", "/invites/"+id.String(), nil, nil)
}

func userPath(name string) string { return "/users/" + url.PathEscape(name) }

// call makes a request, and reads its answer into out unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://relay"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.absent(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Refused(resp)
	}
	answer, err := readAnswer(resp)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

func readAnswer(resp *http.Response) ([]byte, error) {
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		err = fmt.Errorf("the relay has ended before it answered: %w", err)
	}
	return answer, err
}

// Refused is what the relay says in an answer that is none of success.
func Refused(resp *http.Response) error {
	answer, err := readAnswer(resp)
	if err != nil {
		return err
	}
	var r refusal
	if json.Unmarshal(answer, &r) != nil || r.Error == "" {
		return fmt.Errorf("the relay does not know this command (HTTP status %d): it is of another version than this program", resp.StatusCode)
	}
	if resp.StatusCode == http.StatusBadRequest {
		return Mistake(r.Error)
	}
	return errors.New(r.Error)
}

// Mistake is what the relay says of a request that it would never take.
type Mistake string

// Error implements error.
func (m Mistake) Error() string { return string(m) }

// absent says why nobody answers.
func (c *Client) absent(err error) error {
	switch {
	case errors.Is(err, ErrLongPath):
		return fmt.Errorf("no command reaches a relay on %s: %w. Move the folder to a shorter path", c.dir, ErrLongPath)
	case errors.Is(err, ErrNotRunning):
		return fmt.Errorf("no relay runs on %s. Start it with server serve, or name its data folder with --data", c.dir)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("the relay on %s is another user's. Run this as the user that runs it, such as with sudo -u", c.dir)
	}
	return fmt.Errorf("the relay on %s does not answer: %w", c.dir, err)
}

// ErrLongPath says that the path of a data directory leaves no room for a socket.
var ErrLongPath = errors.New("too long a path for a socket")

// ErrNotRunning says that no relay runs on a data directory.
var ErrNotRunning = errors.New("no relay runs on this data")
