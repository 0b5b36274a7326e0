//go:build linux

package natlab

import "testing"

func TestFlush(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{EIM, CGN} {
		lab := newLab(t, Link{}, Public.Site("a"), kind.Site("x"))
		a, x := lab.Host("a"), lab.Host("x")
		socket, callee := listenUDP(t, x, x.Addr, 0), listenUDP(t, a, a.Addr, 0)
		seen := socket.call(callee)
		check(t, x.Flush())
		if callee.getsThrough(socket, seen) {
			t.Errorf("%v: an answer to a call that the router was made to forget still arrives",
				kind)
		}
		if again := socket.call(callee); !callee.getsThrough(socket, again) {
			t.Errorf("%v: the next call is not answered", kind)
		}
	}
}

func TestRenumber(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{EIM, CGN} {
		lab := newLab(t, Link{}, Public.Site("a"), kind.Site("x"))
		a, x := lab.Host("a"), lab.Host("x")
		for _, router := range x.Routers {
			socket, callee := listenUDP(t, x, x.Addr, 0), listenUDP(t, a, a.Addr, 0)
			was, seen := router.Addr, socket.call(callee)
			check(t, router.Renumber())
			if router.Addr == was {
				t.Errorf("%s has kept %v", router.Name(), was)
			}
			if callee.getsThrough(socket, seen) {
				t.Errorf("%s: a packet to %v, before the address changed, still arrives",
					router.Name(), seen)
			}
			if again := socket.call(callee); again.Addr() != publicAddr(x) {
				t.Errorf("%s: the next call comes from %v, want %v", router.Name(), again,
					publicAddr(x))
			}
		}
	}
}

func TestDropUDP(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Link{}, Public.Site("a"), EIM.Site("x"))
	a, x := lab.Host("a"), lab.Host("x")
	router := x.Routers[0]
	socket, callee := listenUDP(t, x, x.Addr, 0), listenUDP(t, a, a.Addr, 0)
	socket.call(callee)
	check(t, router.DropUDP())
	socket.send("call", callee.at)
	dialTCP(t, x, a)
	if got := callee.heard(); len(got) > 0 {
		t.Errorf("UDP gets out: %q", got)
	}
	check(t, router.ForwardUDP())
	socket.call(callee)
}

// A link that was unplugged works again when it is plugged in, in both families.
func TestUnplug(t *testing.T) {
	t.Parallel()
	lab := newLab(t, Link{}, Public.Site("a"), V6.Site("x"))
	a, x := lab.Host("a"), lab.Host("x")
	callee, callee6 := listenUDP(t, a, a.Addr, 0), listenUDP(t, a, a.Addr6, 0)
	socket, socket6 := listenUDP(t, x, x.Addr, 0), listenUDP(t, x, x.Addr6, 0)
	for _, m := range []*machine{a.machine, x.machine, x.Routers[0].machine} {
		check(t, m.Down())
		if m == a.machine {
			if _, err := callee.WriteToUDPAddrPort([]byte("call"), socket.at); err == nil {
				t.Error("a host sends without a link")
			}
		} else { // a packet that does not get out is not in the way of those that do, afterwards
			socket.WriteToUDPAddrPort([]byte("lost"), callee.at)
			socket6.WriteToUDPAddrPort([]byte("lost"), callee6.at)
		}
		check(t, m.Up())
		for _, pair := range [][2]*udp{{socket, callee}, {socket6, callee6}} {
			pair[0].send("call", pair[1].at)
			if text, _ := pair[1].hear(); text != "call" {
				t.Errorf("heard %q from beyond a link that was down", text)
			}
		}
	}
}
