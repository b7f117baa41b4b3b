// Package handshake begins a session between two devices of which one may be
// away. The one that asks takes the other's prekeys from the relay, agrees
// with them, and sends a hello; the one that was asked opens it whenever it
// comes. Both have the same root key and session id then (package ratchet goes
// on from there), and the one that was asked knows whose certificate that is.
//
//	DH1 = the asker's box key    with the signed prekey    only they can ask
//	DH2 = a fresh ephemeral key  with the asked box key    only the asked can open
//	DH3 = the ephemeral key      with the signed prekey    forward secret within weeks
//	DH4 = the ephemeral key      with the one-time prekey  forward secret at once
//	ss  = ML-KEM-768             to the one-time prekey, or else the signed one
//
// The asker's certificate travels sealed under DH2, DH3, DH4 and ss; the root
// comes from all five and from a transcript with both certificates, every
// key, the ciphertext and the version. The exact bytes are in E2E.md beside
// package crypto.
//
// Sources: Kret and Schmidt, "The PQXDH Key Agreement Protocol" (revision 3,
// 2024); Marlinspike and Perrin, "The X3DH Key Agreement Protocol" (2016); the
// sealed identity is that of the IK pattern of Noise (Perrin, revision 34).
package handshake
