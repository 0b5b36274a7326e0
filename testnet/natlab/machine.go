//go:build linux

package natlab

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
)

// uplink is the device of every machine that leads towards the internet, lanBridge that
// of a router to its hosts.
const (
	uplink    = "up0"
	lanBridge = "lan0"
)

// machine is what hosts and routers have in common: a namespace with an uplink.
type machine struct {
	name      string
	namespace namespace
	routes    []string // through the uplink, and gone when that is down
	addr6     netip.Addr
}

// newMachine makes a namespace with nothing but loopback. The uplink comes later.
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

// Name is the host's name in its Site; routers have names of their own.
func (m *machine) Name() string { return m.name }

// Command is exec.CommandContext for a program that runs on this machine. Its process is
// the program itself.
func (m *machine) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	args = append([]string{"netns", "exec", string(m.namespace), name}, args...)
	return exec.CommandContext(ctx, "ip", args...)
}

// Do calls f on a thread that is on this machine's network, and returns what it returns.
// Sockets that f makes stay there when Do has returned; goroutines that f starts are
// elsewhere.
func (m *machine) Do(f func() error) error { return m.namespace.do(f) }

// Kill kills every program on this machine and returns when they are gone.
func (m *machine) Kill() error { return m.namespace.kill() }

// Down unplugs the machine's uplink. A router forgets what passed through it.
func (m *machine) Down() error {
	return m.namespace.ip(fmt.Sprintf("link set %s down", uplink))
}

// Up plugs it in again, and returns when it can be used.
func (m *machine) Up() error {
	lines := append([]string{fmt.Sprintf("link set %s up", uplink)}, m.routes...)
	if err := m.namespace.ip(lines...); err != nil {
		return err
	}
	return m.namespace.await(m.addr6)
}

// address gives the uplink an address, and makes it lead everywhere else: through a
// gateway, or, on a line, without one.
func (m *machine) address(at netip.Prefix, gateway netip.Addr) error {
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

// addAddr is the command that gives a device an address.
func addAddr(at netip.Prefix, device string) string {
	command := fmt.Sprintf("addr add %s dev %s", at, device)
	if at.Addr().Is6() {
		command += " nodad" // nobody else has it, and to find that out takes a second
	}
	return command
}
