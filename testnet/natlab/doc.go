// Package natlab is a small internet in network namespaces: hosts behind routers that
// translate, filter and block as those of homes, offices and carriers do, with real
// kernels, real sockets and real delay between them. Programs run on its hosts unchanged.
// It needs Linux and root; Check says what is missing.
//
//	lab, err := natlab.New(natlab.Config{Link: natlab.Link{Delay: 10 * time.Millisecond}},
//		natlab.Public.Site("boot"),
//		natlab.EIM.Site("laptop", "printer"),
//		natlab.Symmetric.Site("office"))
//	if err != nil { … }
//	defer lab.Close()
//	out, err := lab.Host("laptop").Command(ctx, "ip", "address").Output()
//
// A topology is a list of sites; a site is a kind of network and the hosts in it:
//
//	               internet: Go code that moves packets between the sites' lines
//	  ┌─────────────┬──────────────┬────────────────┐
//	line           line           line             line     Delay, Loss and Rate
//	  │             │              │                │
//	boot          r-laptop       r-office       carrier-flat
//	Public        EIM ┬────┐     Symmetric      CGN ┬──────────┐
//	               laptop printer  │             r-flat      r-attic
//	                             office           flat        attic
//
// Every machine is a namespace, with its uplink called up0; a router's own network is the
// bridge lan0, so that its hosts hear each other's multicast. The line of a site ends in
// a TUN device, whose packets the lab reads, holds back for the line's delay, and writes
// to the line that their destination belongs to. What belongs to nobody vanishes without
// a word, as it does on the real internet. The kernel's own means to delay, netem, is not
// needed, and neither is a link layer, whose ARP would be delayed as well, which no real
// internet does. So a line may be changed (SetLink), and hosts parted from each other
// (Partition, Cut), while the lab runs.
//
// Nothing gets out. No namespace has a link to the machine's interfaces, or a route to
// anything but the lab.
//
// The addresses look public: site K of the list is 45.K.0.0/16 and 2a01:K::/32. They have
// to, since software that traverses NATs asks of an address whether it is a public one,
// and stays silent about those set aside for private networks, carriers, documentation
// and tests. A site has a whole prefix because peers are counted by prefix, too, where a
// network defends itself against one owner with many addresses.
//
// Routers drop what nobody asked for and do not answer it, as home routers do. It
// matters: a router that took an early packet of a hole punch for its own would remember
// it as a connection, and then could not give the host's own packet the port that the
// other side expects.
//
// What it leaves out: hairpins (a host that calls its own router's public address gets no
// answer, as on most routers), DNS, and loss that comes in bursts. Routers open no ports
// by themselves; a program on one may, as miniupnpd does in the tests.
package natlab
