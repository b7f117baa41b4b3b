package client

import "context"

var errUnbuilt = &Error{Code: CodeInternal, Text: "Not built."}

// SendFile implements Account.
func (c *Client) SendFile(context.Context, string, string, string) (Message, error) {
	return Message{}, errUnbuilt
}

// SaveFile implements Account.
func (c *Client) SaveFile(context.Context, int64, string) (string, error) { return "", errUnbuilt }

// Groups implements Account.
func (c *Client) Groups(context.Context) ([]Group, error) { return nil, nil }

// MakeGroup implements Account.
func (c *Client) MakeGroup(context.Context, string, []string) (Group, error) {
	return Group{}, errUnbuilt
}

// ChangeGroup implements Account.
func (c *Client) ChangeGroup(context.Context, string, GroupChange) (Group, error) {
	return Group{}, errUnbuilt
}
