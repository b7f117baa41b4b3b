package agent

import (
	"context"
	"sort"

	"secure-messaging/pkg/client"
)

// Answers that may be too long for one line.

func (s *Server) contacts(ctx context.Context, p afterParams) (contactsPage, error) {
	all, err := s.account.Contacts(ctx)
	if err != nil {
		return contactsPage{}, err
	}
	rest := all[sort.Search(len(all), func(i int) bool { return all[i].Name > p.After }):]
	n := fit(len(rest), func(i int) int { return weight(len(rest[i].Note)) })
	return contactsPage{rest[:n], n < len(rest)}, nil
}

func (s *Server) views(ctx context.Context, p afterParams) (viewsPage, error) {
	all, err := s.account.Views(ctx)
	if err != nil {
		return viewsPage{}, err
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Contact < all[j].Contact })
	rest := all[sort.Search(len(all), func(i int) bool { return all[i].Contact > p.After }):]
	n := fit(len(rest), func(i int) int { return weight(len(rest[i].Draft)) })
	return viewsPage{rest[:n], n < len(rest)}, nil
}

func (s *Server) groups(ctx context.Context, p afterParams) (groupsPage, error) {
	all, err := s.account.Groups(ctx)
	if err != nil {
		return groupsPage{}, err
	}
	rest := all[sort.Search(len(all), func(i int) bool { return all[i].Name > p.After }):]
	n := fit(len(rest), func(i int) int { return weight(memberWeight * len(rest[i].Members)) })
	return groupsPage{rest[:n], n < len(rest)}, nil
}

// memberWeight is how many bytes a member of a group takes at most, a sixth of
// them, for weight takes them to be escaped.
const memberWeight = 32

func (s *Server) history(ctx context.Context, q client.Query) (historyPage, error) {
	all, err := s.account.History(ctx, q)
	if err != nil {
		return historyPage{}, err
	}
	if q.After != 0 {
		return first(all), nil
	}
	n := fit(len(all), func(i int) int { return messageWeight(all[len(all)-1-i]) })
	return historyPage{all[len(all)-n:], n < len(all)}, nil
}

func (s *Server) search(ctx context.Context, q client.Search) (historyPage, error) {
	all, err := s.account.Search(ctx, q)
	if err != nil {
		return historyPage{}, err
	}
	return first(all), nil
}

// first is a page with the first of some messages.
func first(all []client.Message) historyPage {
	n := fit(len(all), func(i int) int { return messageWeight(all[i]) })
	return historyPage{all[:n], n < len(all)}
}

func messageWeight(m client.Message) int {
	n := len(m.Text)
	if m.Reply != nil {
		n += len(m.Reply.Text)
	}
	for _, r := range m.Reactions {
		n += len(r.Emoji)
	}
	return weight(n)
}

// weight is the most that a value with text of so many bytes takes in JSON: what
// else it holds is short, and a byte is escaped to six at most.
func weight(text int) int { return 2<<10 + 6*text }

// fit returns how many of n items fit one answer.
func fit(n int, weight func(int) int) int {
	room := maxAnswer - 1<<10 // for what stands around them
	for i := range n {
		if room -= weight(i); room < 0 {
			return i
		}
	}
	return n
}
