// Package relay makes a node reachable through relays (libp2p's circuit relay v2), calls
// others through them, and relays for others.
//
//	service := relay.NewService(h, allow, log) // relays for others while Set(true)
//	keeper, err := relay.NewKeeper(relay.Config{Host: h, …})
//	go keeper.Run(ctx)                         // keeps reservations while Want(true)
//	err = relay.AddTransport(relay.TransportConfig{Host: h, …})
//
// libp2p has a relay finder of its own, made for strangers of whom few will relay. Ours
// asks friends first, takes a relay as soon as it is known, and works in networks without
// any public address. It also asks its relays all the time where they see us. If a relay
// vanishes, callers can't reach us through it any more. If it sees us at a new address, then
// our router has a new address, unless the relay lies.
//
// Whether relays are wanted, and whether to relay for others, follows from package nat;
// package node connects the two.
package relay
