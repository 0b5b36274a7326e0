package testnet

import (
	"context"
	"net"
	"time"
)

// Dial calls a cell through the local door of the node's stem, as a program on its machine would. The address is that of any cell,
// as in echo@12D3…; the name of a node of the net may stand for its peer ID. ctx covers the call until
// the verdict. Errors are wire.Refusals, and match those of package synapse.
func (n *Node) Dial(ctx context.Context, address string) (*Conn, error) { return nil, nil }

// Ask calls a cell, sends the text, ends its side, and returns the whole answer.
func (n *Node) Ask(ctx context.Context, address, text string) (string, error) { return "", nil }

// Call does what Ask does, and measures.
func (n *Node) Call(ctx context.Context, address, text string) Result { return Result{} }

// Conn is a call: a net.Conn whose directions end separately.
type Conn struct {
	net.Conn
}

// CloseWrite ends what is sent; the other side reads io.EOF.
func (c *Conn) CloseWrite() error { return nil }

// Route is how the call travels: "direct quic", "relayed quic", or "" for one within the machine.
func (c *Conn) Route() string { return "" }

// Result is what came of a call. Durations are 0 for what was not reached.
type Result struct {
	From, To  string // names of nodes, or the address that was called if there is none
	Cell      string
	Began     time.Time
	Err       error
	Route     string        // as of Conn.Route
	Reached   time.Duration // until there was a stream to the other stem: finding, dialling, handshake
	Granted   time.Duration // until the verdict
	FirstByte time.Duration // of the answer
	Took      time.Duration // in all
	Bytes     int           // of the answer
	Lookup    *Lookup       // nil if none was needed, or none was over
}
