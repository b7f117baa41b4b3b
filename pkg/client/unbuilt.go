package client

import "context"

var errUnbuilt = &Error{Code: CodeInternal, Text: "Not built."}

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
