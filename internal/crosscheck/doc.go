// Package crosscheck holds no code. Its tests let a peer that was written in
// JavaScript from PROTOCOL.md and E2E.md, over other libraries, open and make
// the vectors, and talk with this module in sessions that either has begun:
//
//	go test ./internal/crosscheck -npm
//
// That fetches tweetnacl, @noble/hashes and @noble/post-quantum from the npm
// registry, pinned by their hashes, into a folder of the test. Without -npm
// the tests are skipped.
package crosscheck
