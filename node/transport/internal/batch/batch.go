// Package batch sends several small writes as one. It goes below what cuts a large write
// into pieces and writes each by itself, as crypto/tls does with records of 16 KiB:
//
//	below := batch.New(conn)
//	secure := tls.Client(below, config)
//
//	below.Begin()
//	n, err := secure.Write(p)
//	sent := below.Send()
//
// It promises that data is sent in the order in which it was written: between Begin and
// Send at Send at the latest, otherwise at once. After a write has failed nothing more is
// sent. A buffer is held only between Begin and Send.
package batch

import (
	"net"
	"sync"
)

// Room is how much a batch holds; more is sent in several pieces. Four records of 16 KiB
// and what TLS adds to each fit.
const Room = 66 << 10

var pool = sync.Pool{New: func() any {
	buffer := make([]byte, 0, Room)
	return &buffer
}}

// Conn is a connection whose writes can be batched.
type Conn struct {
	net.Conn

	mu   sync.Mutex
	held *[]byte // nil outside of a batch
	err  error   // of the first write that failed
}

// New returns a connection on conn that sends each write at once until Begin.
func New(conn net.Conn) *Conn { return &Conn{Conn: conn} }

// Begin begins a batch, which lasts until Send. Batches do not nest.
func (c *Conn) Begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = pool.Get().(*[]byte)
}

// Send sends the batch and ends it. The error is that of the first write that ever failed.
func (c *Conn) Send() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.flush()
	pool.Put(c.held)
	c.held = nil
	return err
}

// Write adds p to the batch, or sends it if there is none.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		return c.write(p)
	}
	if len(*c.held)+len(p) > Room {
		if err := c.flush(); err != nil {
			return 0, err
		}
	}
	if len(p) > Room {
		return c.write(p)
	}
	*c.held = append(*c.held, p...)
	return len(p), c.err
}

func (c *Conn) flush() error {
	_, err := c.write(*c.held)
	*c.held = (*c.held)[:0]
	return err
}

func (c *Conn) write(p []byte) (n int, err error) {
	if c.err == nil && len(p) > 0 {
		n, c.err = c.Conn.Write(p)
	}
	return n, c.err
}
