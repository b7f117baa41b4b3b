// Package stage sets up the real thing for whoever looks at it from outside:
// both binaries built from this source, a relay on loopback, people with their
// pasts, and a program in a terminal whose screen can be read.
//
// It is for what measures, draws and torments the interface. Nothing of it is
// in the binaries. It talks only to loopback and ends only what it started.
package stage
