// Package client is one account on one device: the part of the product that
// holds keys, seals and opens, remembers, and keeps a connection to the relay.
// The terminal interface, the commands and other people's bots are written
// against its [Account] interface.
package client
