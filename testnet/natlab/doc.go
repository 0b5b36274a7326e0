// Package natlab builds a small internet from network namespaces: hosts behind routers that
// translate, filter and block like those of homes, offices and carriers, with real kernels,
// sockets and delays. Unchanged programs run on the hosts. It needs Linux and root; Check
// says what is missing.
//
//	lab, err := natlab.New(natlab.Config{Link: natlab.Link{Delay: 10 * time.Millisecond}},
//		natlab.Public.Site("boot"),
//		natlab.EIM.Site("laptop", "printer"),
//		natlab.Symmetric.Site("office"))
//	if err != nil { … }
//	defer lab.Close()
//	out, err := lab.Host("laptop").Command(ctx, "ip", "address").Output()
//
// A site is a kind of network and its hosts:
//
//	               internet: Go code that moves packets between the lines of sites
//	  ┌─────────────┬──────────────┬────────────────┐
//	line           line           line             line     Delay, Loss and Rate
//	  │             │              │                │
//	boot          r-laptop       r-office       carrier-flat
//	Public        EIM ┬────┐     Symmetric      CGN ┬──────────┐
//	               laptop printer  │             r-flat      r-attic
//	                             office           flat        attic
//
// Every host and router is a namespace, with an uplink called up0. A router's network is the
// bridge lan0, so its hosts hear each other's multicast. A site's line ends in a TUN device.
// The lab reads its packets, delays them, and writes them to the line that owns their
// destination; packets without one are dropped. Compared with netem this needs no kernel
// module, and no link layer whose ARP packets would be delayed, too. SetLink, Partition and
// Cut work while the lab runs.
//
// Nothing leaves the lab: no namespace has a link to the machine's interfaces, or a route to
// anything outside.
//
// The addresses look public: site K is 45.K.0.0/16 and 2a01:K::/32. Software that traverses
// NATs treats addresses for private networks, carriers, documentation and tests differently.
// A site has a whole prefix because some software also limits peers per prefix, as a defence
// against one owner with many addresses.
//
// Routers silently drop packets of unknown connections, as home routers do. A router that
// accepted an early packet of a hole punch itself would remember it as a connection, and
// could then not give the host's own packet the port that the other side expects.
//
// Missing are hairpins (a host can't call its router's public address, as on most routers),
// DNS, and loss in bursts. Routers open no ports; a program on a router can, as miniupnpd
// does in the tests.
package natlab
