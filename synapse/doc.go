// Package synapse connects cells. A cell is a program that others call by name, from this
// machine or from any other.
//
// A program becomes the cell "greet" by listening under that name:
//
//	l, err := synapse.Listen("greet")
//	if err != nil {
//		// handle error
//	}
//	for {
//		conn, err := l.Accept()
//		if err != nil {
//			// handle error
//		}
//		go handle(conn)
//	}
//
// Another program calls it by its address. The call starts the cell if it is not running:
//
//	conn, err := synapse.Dial(ctx, "greet@12D3KooW…")
//	if err != nil {
//		// handle error
//	}
//	fmt.Fprintln(conn, "hello")
//	conn.CloseWrite()
//	answer, err := io.ReadAll(conn)
//
// An address is NAME for a cell on this machine, or NAME@PEER, where PEER is a peer ID, a
// petname, an IP address or a DNS name.
//
// Calls to a cell on this machine go directly to its Unix socket. The stem, which is the
// daemon started by "cell up", is only needed to start the cell. Calls to another machine go
// through the stems of both machines. Either way the caller has a net.Conn whose two
// directions end separately, and errors that can be matched with errors.Is.
//
// # Cut calls
//
// When a call to another machine is cut, the caller's Read returns an error that wraps
// io.ErrUnexpectedEOF. The cell that is called reads a plain io.EOF, since a Unix socket
// cannot express more. If your cell must not accept a truncated upload, send the length
// first.
package synapse
