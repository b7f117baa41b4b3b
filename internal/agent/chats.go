package agent

import (
	"context"
	"math"
	"time"

	"secure-messaging/pkg/client"
)

// Reply implements client.Account.
func (r *Remote) Reply(ctx context.Context, cursor int64, text string) (client.Message, error) {
	return ask[client.Message](ctx, r, "reply", aboutParams{Cursor: cursor, Text: text})
}

// Edit implements client.Account.
func (r *Remote) Edit(ctx context.Context, cursor int64, text string) (client.Message, error) {
	return ask[client.Message](ctx, r, "edit", aboutParams{Cursor: cursor, Text: text})
}

// Delete implements client.Account.
func (r *Remote) Delete(ctx context.Context, cursor int64) (client.Message, error) {
	return ask[client.Message](ctx, r, "delete", aboutParams{Cursor: cursor})
}

// React implements client.Account.
func (r *Remote) React(ctx context.Context, cursor int64, emoji string) (client.Message, error) {
	return ask[client.Message](ctx, r, "react", aboutParams{Cursor: cursor, Emoji: emoji})
}

// Disappear implements client.Account.
func (r *Remote) Disappear(ctx context.Context, contact string, after time.Duration) (client.Contact, error) {
	if after%time.Second != 0 {
		after = -time.Second // no whole number of seconds, which the account refuses
	}
	return ask[client.Contact](ctx, r, "disappear", disappearParams{contact, int64(after / time.Second)})
}

// seconds is a duration that the account refuses where there is none so long.
func seconds(n int64) time.Duration {
	if n < 0 || n > math.MaxInt64/int64(time.Second) {
		return -time.Second
	}
	return time.Duration(n) * time.Second
}

// Typing implements client.Account.
func (r *Remote) Typing(ctx context.Context, contact string) error {
	return tell(ctx, r, "typing", typingParams{contact})
}

// Settings implements client.Account.
func (r *Remote) Settings(ctx context.Context) (client.Settings, error) {
	return ask[client.Settings](ctx, r, "settings", none{})
}

// SetSettings implements client.Account.
func (r *Remote) SetSettings(ctx context.Context, s client.Settings) error {
	return tell(ctx, r, "set_settings", s)
}

// Search implements client.Account.
func (r *Remote) Search(ctx context.Context, q client.Search) ([]client.Message, error) {
	q.Limit = limit(q.Limit)
	var all []client.Message
	for {
		page, err := ask[historyPage](ctx, r, "search", q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Messages...)
		if !page.More || len(page.Messages) == 0 {
			return all, nil
		}
		q.Limit -= len(page.Messages)
		q.Before = all[len(all)-1].Cursor
	}
}

// limit is how many messages a caller wants.
func limit(n int) int {
	if n <= 0 {
		return client.DefaultLimit
	}
	return min(n, client.MaxLimit)
}

// Views implements client.Account.
func (r *Remote) Views(ctx context.Context) ([]client.View, error) {
	var all []client.View
	for after := ""; ; after = all[len(all)-1].Contact {
		page, err := ask[viewsPage](ctx, r, "views", afterParams{after})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Views...)
		if !page.More || len(page.Views) == 0 {
			return all, nil
		}
	}
}

// SetView implements client.Account.
func (r *Remote) SetView(ctx context.Context, v client.View) error {
	return tell(ctx, r, "set_view", v)
}

// SendFile implements client.Account.
func (r *Remote) SendFile(ctx context.Context, to, path, text string) (client.Message, error) {
	return wait[client.Message](ctx, r, "send_file", fileParams{To: to, Path: path, Text: text})
}

// SaveFile implements client.Account.
func (r *Remote) SaveFile(ctx context.Context, cursor int64, path string) (string, error) {
	return wait[string](ctx, r, "save_file", fileParams{Cursor: cursor, Path: path})
}

// Groups implements client.Account.
func (r *Remote) Groups(ctx context.Context) ([]client.Group, error) {
	var all []client.Group
	for after := ""; ; after = all[len(all)-1].Name {
		page, err := ask[groupsPage](ctx, r, "groups", afterParams{after})
		if err != nil {
			return nil, err
		}
		all = append(all, page.Groups...)
		if !page.More || len(page.Groups) == 0 {
			return all, nil
		}
	}
}

// MakeGroup implements client.Account.
func (r *Remote) MakeGroup(ctx context.Context, name string, members []string) (client.Group, error) {
	return ask[client.Group](ctx, r, "make_group", groupParams{Name: name, Members: members})
}

// ChangeGroup implements client.Account.
func (r *Remote) ChangeGroup(ctx context.Context, group string, change client.GroupChange) (client.Group, error) {
	return ask[client.Group](ctx, r, "change_group", groupParams{Name: group, Change: change})
}
