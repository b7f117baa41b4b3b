package vectors

import "encoding/hex"

// LowOrder gives every X25519 public key under which an agreement comes to
// zeros, whatever the secret: the points of order 1, 2, 4 and 8, on the curve
// and its twist, and their other encodings.
func LowOrder() [][]byte {
	var points [][]byte
	for _, point := range []string{
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	} {
		p, err := hex.DecodeString(point)
		if err != nil {
			panic(err)
		}
		high := append([]byte(nil), p...)
		high[31] |= 0x80 // the bit that X25519 ignores
		points = append(points, p, high)
	}
	return points
}
