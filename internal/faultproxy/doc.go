// Package faultproxy is a bad network on loopback: a TCP proxy that cuts
// connections in the middle of a byte stream, slows them down, and leaves them
// half-open, each as a seed has drawn it.
//
// A connection gets its [Fate] when it comes in. The fate depends on the seed
// and on how many came before, and on nothing else, so that a run can be made
// again as far as its connections come in the same order. Besides that,
// [Proxy.Strike] lets a fault happen to all present connections at once.
//
// Goroutines: one accepts; each connection has one for each way, and one that
// waits for both. [Proxy.Close] returns when all have ended.
package faultproxy
