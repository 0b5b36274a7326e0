// Package testnet is a network of stems in one program, to test cells and what calls them
// on: who is there, where they live and what lies between them are values, and what runs
// is the real thing.
//
//	func TestGreeting(t *testing.T) {
//		net := testnet.Start(t, 3)
//		answer, err := net.Node("node1").Ask(t.Context(), "echo@node2", "hello")
//		if answer != "hello" || err != nil {
//			t.Errorf("%q, %v", answer, err)
//		}
//	}
//
// Start runs node1 to node3, on public addresses and with a cell that echoes, waits until
// they have found each other, and ends them with the test. For cells of your own, which
// are functions here, nodes behind routers of every kind and lines that are slow or lose
// packets, make a net with New and add nodes to it: NodeConfig says what each may be.
//
// # Calls
//
// A node calls as a program on its machine would: Dial returns the connection, Ask sends
// a text and returns the whole answer, and Call says how long each step took, and by
// which way. In an address, a node's name stands for its peer ID. errors.Is(err,
// synapse.ErrDenied) and the like say why a call failed.
//
// # What goes wrong
//
//	heal := net.Cut(net.Node("node1"), net.Node("node2"))
//	// neither hears the other now
//	heal()
//
// Partition parts whole groups, Heal undoes all of that at once, SetLink makes a line
// slow or lossy, and Renumber gives a router another address. Node.Stop says good-bye to
// the others, Node.Kill falls silent, and Node.Restart brings the same node back. Nothing
// is noticed at once: those who talk to a node that falls silent find out as they would
// in the world.
//
// # Virtual time
//
//	synctest.Test(t, func(t *testing.T) {
//		net := testnet.Start(t, 2)
//		time.Sleep(time.Hour) // they keep in touch meanwhile
//		result := net.Node("node1").Call(t.Context(), "echo@node2", "hello")
//	})
//
// In a bubble of testing/synctest the clock moves when everybody waits: the hour takes a
// moment, a busy machine changes no duration, and two runs of a test measure the same,
// but for what depends on who of two goroutines comes first. What needs the world outside
// of the bubble has no place in it: sockets, processes, and channels that were made
// there. Go's race detector can crash there when several processors run
// (golang/go#78156): go test -race wants GOMAXPROCS=1. Without a bubble, all of it runs
// in real time. The same Config.Seed gives the same peers, at the same places.
//
// # What is real, and what is not
//
// Stem, node and discovery are those of "cell up", made by the same constructors: the
// gate, the wire, QUIC and its encryption, the DHT, relays, hole punching. Simulated are
// the machines: their UDP sockets end in an internet in memory (package internet), where
// routers translate and filter, and lines delay, narrow and lose. Neighbours in a LAN
// hear of each other without the packets of mDNS, and what a stem has in files is in
// memory. Nothing leaves the process: there is no socket, no file and no name server.
//
// Left out are TCP, port mapping (UPnP, NAT-PMP), and cells that are programs. Package
// natlab has all of these, on real kernels, where there is root. Package scenario
// describes a whole network with its calls and its troubles, and runs it on either.
package testnet
