package crypto

var TLSSigner = tlsSigner
