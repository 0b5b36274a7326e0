// Package discovery finds the addresses of a peer of which only the ID is known.
//
//	f, err := discovery.New(discovery.Config{
//		Host: h, Mesh: "lab", Bootstrap: []string{"/ip4/…/p2p/12D3…"}})
//	go f.Run(ctx)
//	err = f.Find(ctx, id, func(addrs []ma.Multiaddr) { … })
//
// # Where a peer is looked for
//
// Find asks three sources at the same time and passes each answer on as it comes. What
// one of them says never stops the others.
//
//	Find ─┬─ cache    addresses that worked before: from memory, at once
//	      │
//	      ├─ lan      mDNS: what the local network has announced, at once; during the
//	      │           first 2.5 s after the start, what it announces until then
//	      │
//	      └─ mesh     a DHT, after waiting up to 5 s for the first member; then, in order:
//	          │
//	          │  1  fast search, in a private mesh: the 3 members nearest to the peer that
//	          │     we know, then the 3 nearest that those name, up to 5 steps of 0.4 s
//	          │        ├─ which addresses does the member know?
//	          │        └─ does it keep the peer's record?
//	          │
//	          │  2  full search by kad-dht: 10 members at a time, until nobody is nearer
//	          │        ├─ the peer itself, among the members near its ID
//	          │        └─ what it has published: its record in a private mesh,
//	          │           its provider record in the public one
//	          │
//	          └─ 3  both again after 150 ms and 400 ms, if no one knew the peer
//
// The mesh is left 1 s after its first addresses: they may be out of date, and other
// members may know better. Survey asks the same sources to the end.
//
// There is one public mesh, the DHT of the IPFS network, in which we only ask, and any
// number of private ones, told apart by name, in which every member that can be reached
// answers, too. In the mesh "none" there is no DHT.
//
// # Parts
//
// A Finder owns three parts, and each owns its goroutines:
//
//	cache   cache.go, cachefile.go       addresses that worked, and when peers answered
//	lan     mdns.go                      what mDNS sees
//	mesh    mesh.go, meshname.go         the DHT, which these share:
//	          bootstrap.go, bootstrap_peers.go, dial.go     join, and stay connected
//	          publish.go, record.go, recordstore.go         publish our own addresses
//	          search.go, fastsearch.go, search_timeout.go   find a peer
//	          rpc.go                                        messages to members
//
// # What it promises, and what not
//
// Find ends soon, with a reason that a user can act on. Run and Close return when all
// goroutines that they are responsible for have ended. What others can make us remember
// is bounded.
//
// Dialling the addresses, and whom to trust, is left to the caller: an address is a hint
// from strangers, and only a handshake with the peer's ID proves anything.
package discovery
