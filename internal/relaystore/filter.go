package relaystore

// filter remembers hashes of what a mailbox holds, in two bytes each, and now
// and then claims one that it has never seen. It is a row of Bloom filters,
// each for a range of numbers: what is deleted goes with the oldest.
type filter []layer

// Sizes of a filter.
const (
	// filterBits for each hash, of which filterProbes are looked at, make one
	// answer of a layer in a thousand false.
	filterBits   = 16
	filterProbes = 6
	// minLayer is enough for most mailboxes. Later layers are as large as what is
	// there already, so that they are few.
	minLayer, maxLayer = 64, 1 << 15
)

// layer is a Bloom filter.
type layer struct {
	bits []uint64 // a power of 2 of them
	room int      // hashes that it has yet to take
	last uint64   // the highest number in it
}

// at returns the word and the bit of a probe.
func (l *layer) at(hash uint64, probe uint64) (word *uint64, bit uint64) {
	i := (hash + probe*(hash>>32|1)) % uint64(len(l.bits)*64)
	return &l.bits[i/64], 1 << (i % 64)
}

func (l *layer) has(hash uint64) bool {
	for probe := range uint64(filterProbes) {
		if word, bit := l.at(hash, probe); *word&bit == 0 {
			return false
		}
	}
	return true
}

// has reports whether the hash may have been added.
func (f filter) has(hash uint64) bool {
	for i := range f {
		if f[i].has(hash) {
			return true
		}
	}
	return false
}

// add adds the hash of the entry with a number, beside so many that are there.
// It returns how many bytes it has grown by.
func (f *filter) add(hash, seq, held uint64) (grown int) {
	if n := len(*f); n == 0 || (*f)[n-1].room == 0 {
		size := minLayer
		for uint64(size) < held && size < maxLayer {
			size *= 2
		}
		*f = append(*f, layer{bits: make([]uint64, size*filterBits/64), room: size})
		grown = size * filterBits / 8
	}
	l := &(*f)[len(*f)-1]
	l.room--
	l.last = seq
	for probe := range uint64(filterProbes) {
		word, bit := l.at(hash, probe)
		*word |= bit
	}
	return grown
}

// forget drops what is about numbers up to last only, and returns how many
// bytes that was.
func (f *filter) forget(last uint64) (shrunk int) {
	n := 0
	for n < len(*f) && (*f)[n].last <= last {
		shrunk += len((*f)[n].bits) * 8
		n++
	}
	*f = append((*f)[:0], (*f)[n:]...)
	return shrunk
}
