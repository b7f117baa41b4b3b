// Package crosscheck holds no code. Its test lets a peer that was written in
// JavaScript from PROTOCOL.md, over tweetnacl, open and make the vectors:
//
//	go test ./internal/crosscheck -npm
//
// That fetches tweetnacl from the npm registry, pinned by its hash, into a
// folder of the test. Without -npm the test is skipped.
package crosscheck
