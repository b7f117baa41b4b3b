package client

import "secure-messaging/pkg/crypto"

// groupRef is the member "group" of a content: in which group it is said, and
// who is in that by what its author has heard.
type groupRef struct {
	ID      crypto.GroupID   `json:"id"`
	Name    string           `json:"name"`
	Epoch   uint64           `json:"epoch"`
	Hash    digest           `json:"hash"`
	Message crypto.MessageID `json:"message,omitzero"` // the id that the message has in the group, the same for all
}

func (g *GroupRecord) ref() *groupRef {
	return &groupRef{ID: g.Roster.ID, Name: g.Roster.Name, Epoch: g.Roster.Epoch, Hash: g.Roster.hash()}
}

func (g *groupRef) well() bool {
	return g == nil || g.ID != (crypto.GroupID{}) && isGroupName(g.Name) && g.Epoch > 0
}

// fitsGroup reports whether a content may be what somebody says in a group.
func (c *content) fitsGroup(author crypto.Username) bool {
	switch c.Type {
	case contentEdit, contentDelete:
		return c.About.From == author
	case contentReact, contentLeave:
		return true
	case contentRequest, contentAccept, contentTimer, contentRead, contentTyping, contentGroup:
		return false // what is between two, or is the owner's alone
	}
	return c.Group.Message != (crypto.MessageID{})
}
