// Package testnet is a network of stems in one program: who they are, where they live and what lies between them are
// values, and what runs is the real thing, from the local door down to QUIC. Only the machines are simulated: their
// sockets end in an internet in memory (package internet), with the NATs, the delay and the loss that are asked for.
//
//	net := testnet.Start(t, 3)
//	answer, err := net.Node("node1").Ask(t.Context(), "echo@node2", "hello")
//	net.Cut(net.Node("node1"), net.Node("node2"))
//
// It runs in real time, and in virtual time inside of a testing/synctest bubble, where an hour takes a
// second if nothing happens in it. The same seed gives the same peers, at the same places.
//
// It promises that nothing leaves the process: there is no socket, no file and no name server. What it leaves out:
// TCP, port mapping (UPnP), and cells that are programs. Package natlab has all of these, on real kernels, where
// there is root.
package testnet
