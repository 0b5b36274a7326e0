// Package bundle sends several small writes as one. It goes beneath what cuts a large
// write into pieces and writes each by itself, as crypto/tls does with records of 16 KiB:
//
//	beneath := bundle.New(conn)
//	secure := tls.Client(beneath, config)
//
//	beneath.Begin()
//	n, err := secure.Write(p)
//	sent := beneath.Send()
//
// It promises: what is written leaves in the order in which it was written, at Send at
// the latest; what is written at any other time leaves at once; once something could not
// be sent, nothing behind it is. Between a Send and the next Begin no buffer is held.
package bundle

import (
	"net"
	"sync"
)

// Room is how much a bundle holds: what is too much for it is sent in several pieces.
// Four records of 16 KiB and what TLS adds to each fit.
const Room = 66 << 10

var pool = sync.Pool{New: func() any {
	buffer := make([]byte, 0, Room)
	return &buffer
}}

// Conn is a connection whose Write can be held back.
type Conn struct {
	net.Conn

	mu   sync.Mutex
	held *[]byte // nil unless a bundle is made
	err  error   // of the first write that failed
}

// New returns a connection on conn, whose writes leave at once until Begin.
func New(conn net.Conn) *Conn { return &Conn{Conn: conn} }

// Begin has the writes to come wait for Send, which comes before the next Begin.
func (c *Conn) Begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held = pool.Get().(*[]byte)
}

// Send sends what has been held back, and has the writes to come leave at once. Its error
// is that of the first write that failed, of those before as well.
func (c *Conn) Send() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.flush()
	pool.Put(c.held)
	c.held = nil
	return err
}

// Write keeps p for Send, or writes it. A connection that has failed to write a part
// can't write what comes behind it.
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
