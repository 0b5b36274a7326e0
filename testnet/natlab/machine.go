//go:build linux

package natlab

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
)

// uplink is the device of a host or router towards the internet, lanBridge that of a router
// towards its hosts.
const (
	uplink    = "up0"
	lanBridge = "lan0"
)

// machine is a Host or a Router: a namespace with an uplink.
type machine struct {
	name      string
	namespace namespace
	routes    []string // through the uplink; the kernel drops them when it is down
	addr6     netip.Addr
}

// newMachine makes a namespace that has only loopback yet.
func (l *Lab) newMachine(name string) (*machine, error) {
	m := &machine{name: name, namespace: l.claim.namespace(name)}
	if err := m.namespace.add(); err != nil {
		return nil, err
	}
	l.machines = append(l.machines, m)
	err := m.namespace.sysctl(
		"ipv4/conf/all/rp_filter=0", "ipv4/conf/default/rp_filter=0",
		"ipv4/conf/all/promote_secondaries=1", "ipv4/conf/default/promote_secondaries=1",
		"ipv6/conf/all/accept_dad=0", "ipv6/conf/default/accept_dad=0",
		"ipv6/conf/all/accept_ra=0", "ipv6/conf/default/accept_ra=0",
		"ipv6/conf/all/keep_addr_on_down=1", "ipv6/conf/default/keep_addr_on_down=1",
	)
	if err != nil {
		return nil, err
	}
	return m, m.namespace.ip("link set lo up")
}

// Name returns the host's name in its Site, or the router's name.
func (m *machine) Name() string { return m.name }

// Command is exec.CommandContext for a program that runs on this machine. The process of the
// command is the program itself.
func (m *machine) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	args = append([]string{"netns", "exec", string(m.namespace), name}, args...)
	return exec.CommandContext(ctx, "ip", args...)
}

// Do calls f on a thread in this machine's network and returns its error. Sockets that f
// makes stay in that network; goroutines that f starts are not in it.
func (m *machine) Do(f func() error) error { return m.namespace.do(f) }

// Kill kills all programs on this machine and returns when they have ended.
func (m *machine) Kill() error { return m.namespace.kill() }

// Down takes the machine's uplink down. A router forgets its connections.
func (m *machine) Down() error {
	return m.namespace.ip(fmt.Sprintf("link set %s down", uplink))
}

// Up takes the uplink up again, and returns when it works.
func (m *machine) Up() error {
	lines := append([]string{fmt.Sprintf("link set %s up", uplink)}, m.routes...)
	if err := m.namespace.ip(lines...); err != nil {
		return err
	}
	return m.namespace.await(m.addr6)
}

// setAddress gives the uplink an address and the default route, through a gateway if it is
// valid.
func (m *machine) setAddress(at netip.Prefix, gateway netip.Addr) error {
	route := "route replace 0.0.0.0/0 dev " + uplink
	if at.Addr().Is6() {
		route = "route replace ::/0 dev " + uplink
		m.addr6 = at.Addr()
	}
	if gateway.IsValid() {
		route += " via " + gateway.String()
	}
	m.routes = append(m.routes, route)
	if err := m.namespace.ip(addAddr(at, uplink)); err != nil {
		return err
	}
	return m.Up()
}

// addAddr returns the ip command that gives a device an address.
func addAddr(at netip.Prefix, device string) string {
	command := fmt.Sprintf("addr add %s dev %s", at, device)
	if at.Addr().Is6() {
		command += " nodad" // duplicate detection would take a second
	}
	return command
}
