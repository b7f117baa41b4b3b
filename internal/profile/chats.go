package profile

import (
	"errors"
	"time"

	"secure-messaging/pkg/client"
	"secure-messaging/pkg/crypto"
)

var errUnbuilt = errors.New("not built")

// Written implements client.Store.
func (s *Store) Written(author crypto.Address, id crypto.MessageID) (client.Message, error) {
	return client.Message{}, errUnbuilt
}

// Place implements client.Store.
func (s *Store) Place(cursor int64) (client.NewMessage, error) {
	return client.NewMessage{}, errUnbuilt
}

// Vanish implements client.Store.
func (s *Store) Vanish(now time.Time, max int) ([]client.Message, time.Time, error) {
	return nil, time.Time{}, errUnbuilt
}

// Search implements client.Store.
func (s *Store) Search(q client.Search) ([]client.Message, error) { return nil, errUnbuilt }

// Views implements client.Store.
func (s *Store) Views() ([]client.View, error) { return nil, errUnbuilt }

// SetView implements client.Store.
func (s *Store) SetView(v client.View) error { return errUnbuilt }
