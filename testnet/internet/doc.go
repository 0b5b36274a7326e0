// Package internet simulates an internet in memory: hosts with UDP sockets, routers that
// translate and filter, and links with delay, loss and limited rate. It runs in real time,
// and in the virtual time of a testing/synctest bubble.
//
//	world := internet.New(1)
//	defer world.Close()
//	home, err := world.Site(natlab.EIM, internet.Link{Delay: 10 * time.Millisecond})
//	laptop, err := home.Host()
//	socket, err := laptop.ListenUDP(netip.AddrPortFrom(laptop.Addrs()[0], 4433))
//
// Its terms, kinds of networks and addresses are those of package natlab, which does the
// same with real kernels: a site is one network with a link to the internet. Site K has the
// public addresses 45.x.y.0/24, where x and y are the bytes of K, and 2a01:K::/32.
//
// A packet crosses the sender's link and the receiver's link. The sender's router handles it
// at once, the receiver's router after the delay of both links. Packets are dropped silently
// if they are larger than the MTU, find a full queue, or are refused by a router.
package internet
