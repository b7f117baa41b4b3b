// Package ratelimit holds the limits of a relay, and the buckets and counts
// that keep them.
//
// [Limits] is everything that an operator may set, with its defaults, the form
// of its file, and the reason for each number. What keeps them is
//
//	Keyed    a token bucket for each address or user
//	Flow     what one user sends: slowed first, refused at last
//	Places   how many at a time
//	Bucket   one token bucket, for the relay as a whole
//
// and [Limiters] has one of these for each limit. A bucket never admits more than
// its rate and its burst say, whatever is done to the others: a bucket that is
// not full is never forgotten. A bucket that is full says nothing and is
// forgotten when there is need of room; when there is none even so, newcomers
// share one bucket, so that an attacker with many addresses costs the relay a
// known amount of memory and wins no fresh burst by coming back.
package ratelimit
