package relay

import "iter"

// queue holds frames in flight, the oldest first. The zero value is empty.
type queue struct {
	items []flying
	head  int
}

func (q *queue) len() int { return len(q.items) - q.head }

// front is the oldest. There has to be one.
func (q *queue) front() *flying { return &q.items[q.head] }

func (q *queue) push(f flying) {
	if q.head > cap(q.items)/2 && len(q.items) == cap(q.items) {
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
	q.items = append(q.items, f)
}

// pop takes the oldest out. There has to be one.
func (q *queue) pop() flying {
	f := q.items[q.head]
	q.items[q.head] = flying{}
	q.head++
	if q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	return f
}

// all goes through the queue, and may change what is in it.
func (q *queue) all() iter.Seq[*flying] {
	return func(yield func(*flying) bool) {
		for i := q.head; i < len(q.items); i++ {
			if !yield(&q.items[i]) {
				return
			}
		}
	}
}
