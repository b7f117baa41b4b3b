package client

import (
	"sync"
	"time"
)

// wish is what somebody wants of a session: the step that follows from it.
type wish func(*session, time.Time) (*step, error)

// job is a row of wishes that somebody waits for. An error, or a step after
// which the connection has to end, ends the row.
type job struct {
	wishes []wish
	steps  []*step // of the wishes, as far as they came
	err    error
	done   bool // guarded by Client.mu, as is the rest once the job is queued
}

// maxJobs bounds the jobs that share a transaction: what each may bring is
// bounded, by MaxText or by the inbox.
const maxJobs = 64

// jobs waits for who commits next.
type jobs struct {
	mu   sync.Mutex
	list []*job
}

func (q *jobs) put(j *job) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.list = append(q.list, j)
}

func (q *jobs) take() []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(len(q.list), maxJobs)
	taken := q.list[:n:n]
	q.list = q.list[n:]
	return taken
}

// do fulfils one wish: it computes the step, writes it, takes it over and
// tells of it.
func (c *Client) do(w wish) (*step, error) {
	steps, err := c.doAll([]wish{w})
	if err != nil {
		return nil, err
	}
	return steps[0], steps[0].refused
}

// doAll fulfils wishes in a row, in one transaction. What others wish while a
// transaction is under way shares the next one, so that many cost little more
// than one; nobody waits for others to come. The steps before an error are
// returned with it; they have been written.
func (c *Client) doAll(wishes []wish) ([]*step, error) {
	j := &job{wishes: wishes}
	c.jobs.put(j)
	c.mu.Lock()
	defer c.mu.Unlock()
	for !j.done { // or whoever was here before has done it
		c.commit(c.jobs.take())
	}
	return j.steps, j.err
}

// commit does jobs and tells of them. The caller holds mu.
func (c *Client) commit(list []*job) {
	if b := c.session.fulfil(list, c.store.Commit, time.Now()); b != nil {
		c.tell(b)
	}
}

// fulfil does jobs in their order. When the transaction fails, nothing of any
// of them has happened, and all hear why.
func (s *session) fulfil(list []*job, commit func(*Changes) error, now time.Time) *batch {
	b := s.begin()
	for _, j := range list {
		j.compute(b, now)
		j.done = true
	}
	if !b.empty() {
		if err := commit(&b.Changes); err != nil {
			b.giveBack()
			for _, j := range list {
				j.steps, j.err = nil, err
			}
			return nil
		}
	}
	b.keep()
	return b
}

func (j *job) compute(b *batch, now time.Time) {
	for _, w := range j.wishes {
		st, err := w(b.session, now)
		if err != nil {
			j.err = err
			return
		}
		b.add(st)
		j.steps = append(j.steps, st)
		if st.leave != nil {
			return
		}
	}
}
