// Package tui is the terminal interface: one screen over a [client.Account],
// and over nothing else. It knows no sockets and no keys.
//
// One root, [model], owns all state and changes it in Update alone, on one
// goroutine. Its parts are plain structs that are told a size and give lines:
//
//	roster    who there is, in which order; its sidebar
//	thread    the messages of one conversation that are in memory
//	window    which lines of a thread are on screen
//	composer  the text that is being written
//	dialog    what asks for an answer first
//	notices   what the user should know
//
// Calls of the account block, so each is made in a command (see [jobs]), and
// a command touches nothing but the account: what it learned comes back as a
// message. What happens comes through Account.Events, batch by batch, by one
// command that is issued again after each batch.
//
// Text of others is cleaned where it enters (clean.go), so that no part can
// show it otherwise. All colours and signs stand in theme.go.
package tui
