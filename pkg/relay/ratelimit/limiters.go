package ratelimit

import "secure-messaging/pkg/crypto"

// Limiters keep the limits of a relay: one for each that is not about what
// waits. The zero Address and the empty Username pass all that have a key.
type Limiters struct {
	// By address.
	ConnectionsOf     *Places[Address]
	PendingLoginsOf   *Places[Address]
	HTTPConnectionsOf *Places[Address]
	ConnectsOf        *Keyed[Address]
	RequestsOf        *Keyed[Address]
	RegistrationsOf   *Keyed[Address]

	// By user.
	Flows                *Flows
	ConnectRequestsOf    *Keyed[crypto.Username]
	PrekeyFetchesOf      *Keyed[crypto.Username]
	PresenceOf           *Keyed[crypto.Username]
	PrekeyPublicationsOf *Keyed[crypto.Username]
	OneTimePrekeysOf     *Keyed[crypto.Username]
	FileRequestsOf       *Keyed[crypto.Username]
	FileTransfersOf      *Places[crypto.Username]

	// By nothing.
	Registrations *Bucket
}

// NewLimiters makes them, all with nobody in them.
func NewLimiters(l Limits) *Limiters {
	return &Limiters{
		ConnectionsOf:        NewPlaces[Address](l.ConnectionsPerAddress),
		PendingLoginsOf:      NewPlaces[Address](l.PendingLoginsPerAddress),
		HTTPConnectionsOf:    NewPlaces[Address](l.HTTPConnectionsPerAddress),
		ConnectsOf:           NewKeyed[Address](l.ConnectsPerAddress),
		RequestsOf:           NewKeyed[Address](l.RequestsPerAddress),
		RegistrationsOf:      NewKeyed[Address](l.RegistrationsPerAddress),
		Flows:                newFlows(l),
		ConnectRequestsOf:    NewKeyed[crypto.Username](l.ConnectRequestsPerUser),
		PrekeyFetchesOf:      NewKeyed[crypto.Username](l.PrekeyFetchesPerUser),
		PresenceOf:           NewKeyed[crypto.Username](l.PresencePerUser),
		PrekeyPublicationsOf: NewKeyed[crypto.Username](l.PrekeyPublicationsPerUser),
		OneTimePrekeysOf:     NewKeyed[crypto.Username](l.OneTimePrekeysPerTarget),
		FileRequestsOf:       NewKeyed[crypto.Username](l.FileRequestsPerUser),
		FileTransfersOf:      NewPlaces[crypto.Username](l.FileTransfersPerUser),
		Registrations:        NewBucket(l.Registrations),
	}
}
