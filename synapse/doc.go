// Package synapse connects cells: programs that reach each other by name, on this machine
// or on any other.
//
// A program becomes the cell "greet" by listening under that name, and calls another by
// its address:
//
//	l, err := synapse.Listen("greet")             conn, err := synapse.Dial(ctx, "greet@12D3KooW…")
//	for {                                         fmt.Fprintln(conn, "hello")
//		conn, err := l.Accept()                   conn.CloseWrite()
//		...                                       answer, err := io.ReadAll(conn)
//	}
//
// A cell on this machine is reached at its Unix socket directly; the stem is asked only
// to start it, if it is not running. A cell elsewhere is reached through this machine's
// stem and that machine's stem. Either way the caller has a net.Conn whose two directions
// end separately, and errors that answer to errors.Is.
//
// Whoever sends a request until end of file, and whose receiver is on another machine,
// should know this: a caller is told of a transfer that was cut (io.ErrUnexpectedEOF from
// Read), but the cell that is called reads a plain end, since that is all a Unix socket
// can say. Where a truncated upload matters, send its length first.
package synapse
