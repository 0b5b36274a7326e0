// Package internet is an internet in memory: hosts with UDP sockets, routers that
// translate and filter, and lines that delay, lose and narrow. It lives in real time, and
// in the virtual time of a testing/synctest bubble.
//
//	world := internet.New(1)
//	defer world.Close()
//	home, err := world.Site(natlab.EIM, internet.Link{Delay: 10 * time.Millisecond})
//	laptop, err := home.Host()
//	socket, err := laptop.ListenUDP(netip.AddrPortFrom(laptop.Addrs()[0], 4433))
//
// Its words, its kinds of networks and its addresses are those of package natlab, which
// does the same with real kernels: a site is one network at the end of a line to the
// internet, and site K has the public addresses 45.x.y.0/24, with x and y the bytes of K,
// and 2a01:K::/32.
//
// A packet crosses the line of the site that sends it and the line of the site that gets
// it. Routers look at it when it is there: on the way out at once, on the way in once its
// delay is over. What fits nowhere is dropped without a word, as on the real internet:
// packets above the MTU, those that find a full queue, and those that nobody asked for.
package internet
