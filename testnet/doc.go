// Package testnet runs a network of stems in one process, for tests of cells and of the
// programs that call them. The stems are real; the network between them is simulated.
//
//	func TestGreeting(t *testing.T) {
//		net := testnet.Start(t, 3)
//		answer, err := net.Node("node1").Ask(t.Context(), "echo@node2", "hello")
//		if answer != "hello" || err != nil {
//			t.Errorf("%q, %v", answer, err)
//		}
//	}
//
// Start runs the nodes node1 to node3, which have public addresses and the cell echo. It
// returns when they have found each other, and stops them when the test ends. For your own
// cells, which are Go functions here, and for nodes behind routers and over slow or lossy
// links, make a Net with New and add nodes as NodeConfig describes.
//
// # Calls
//
// A node calls a cell as a program on its machine would: Dial returns a connection, Ask
// sends a text and returns the whole answer, and Call also measures each step and reports
// the route. In an address, the name of a node stands for its peer ID. Errors match those
// of package synapse, as in errors.Is(err, synapse.ErrDenied).
//
// # Faults
//
//	heal := net.Cut(net.Node("node1"), net.Node("node2"))
//	// no packets pass between the two
//	heal()
//
// Partition separates groups of nodes, and Heal ends all cuts and partitions. SetLink makes
// a link slow or lossy, and Renumber gives a router a new address. Node.Stop leaves the
// network in order, Node.Kill falls silent, and Node.Restart brings the same node back.
// Peers do not learn of a fault from the Net: they notice a silent node as they would in a
// real network.
//
// # Virtual time
//
//	synctest.Test(t, func(t *testing.T) {
//		net := testnet.Start(t, 2)
//		time.Sleep(time.Hour) // the nodes keep in touch meanwhile
//		result := net.Node("node1").Call(t.Context(), "echo@node2", "hello")
//	})
//
// In a testing/synctest bubble time passes only while all goroutines wait. The hour takes a
// moment, durations do not depend on the load of the machine, and two runs measure the same
// except where goroutines race. Sockets, processes, and channels from outside do not work
// in a bubble. Go's race detector can crash in one on several processors
// (golang/go#78156), so use go test -race with GOMAXPROCS=1. Outside of a bubble, all of
// it runs in real time. The same Config.Seed gives the same peer IDs and addresses.
//
// # What is real
//
// The stem, node and discovery are those of "cell up": permissions, wire format, QUIC with
// its encryption, the DHT, relays and hole punching. The hosts are simulated. Their UDP
// sockets belong to an internet in memory (package internet), with routers that translate
// and filter, and links with delay, loss and limited rate. Neighbours in a LAN find each
// other without mDNS packets, and what a stem keeps in files is in memory. The process opens
// no socket and no file, and asks no name server.
//
// TCP, port mapping (UPnP, NAT-PMP) and cells that are programs are missing. Package natlab
// has all three, on real kernels; it needs root. Package scenario describes a whole network
// with its calls and faults, and runs it on either.
package testnet
