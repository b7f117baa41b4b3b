// Package crypto holds the keys of accounts, devices and relays, the
// certificates that tie them to a name, and the proofs that use them. The
// relay knows this package and none of its sub-packages: those seal and open.
//
// # One encoding
//
// Everything that is hashed, signed or derived from is first made into bytes
// by [Encode]: a label that says what it is for, then each field behind its
// length. Two different structures can therefore never share bytes, and a
// signature made for one purpose is worth nothing for another.
//
// # Keys
//
//	account   Ed25519  the trust anchor that people compare; signs certificates
//	device    Ed25519  proves possession at login
//	box       X25519   agrees on message keys, never signs
//	relay     Ed25519  names the relay; signs its challenges and its TLS certificate
//
// Each kind has its own Go type and its own text prefix. Private keys cannot
// be compared with ==, appear in no error, and print as "(secret)". Only
// MarshalText gives one away, for the caller to seal at once.
//
// Sources: RFC 8032 (Ed25519), RFC 7748 (X25519). The byte layouts are in
// PROTOCOL.md of package protocol.
package crypto
