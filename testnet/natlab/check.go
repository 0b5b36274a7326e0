//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// Check returns an error that says what is missing to build labs here, or nil.
func Check() error {
	if os.Geteuid() != 0 {
		return errors.New("natlab: network namespaces need root")
	}
	for program, pkg := range map[string]string{"ip": "iproute2", "nft": "nftables"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("natlab: no %s: install %s", program, pkg)
		}
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return fmt.Errorf("natlab: the kernel has no TUN devices: %w", err)
	}
	// The rest is tried in a namespace that goes with the program.
	if err := try("ip", "-batch", "-",
		"link add "+lanBridge+" type bridge mcast_snooping 0",
		"link add port1 type veth peer name up0",
	); err != nil {
		return fmt.Errorf("natlab: the kernel has no bridges or veth pairs: %w", err)
	}
	if err := try("nft", "-f", "-", translation); err != nil {
		return fmt.Errorf("natlab: the kernel does not translate addresses: %w", err)
	}
	return nil
}

// translation needs the same kernel features as the routers' firewalls.
const translation = `
table inet natlab {
	chain through { type filter hook forward priority filter
		ct state established accept
	}
	chain leaving { type nat hook postrouting priority srcnat
		meta nfproto ipv4 masquerade random,fully-random
	}
}`

// try runs a program in a new namespace, with lines as its input.
func try(name, flag, file string, lines ...string) error {
	cmd := exec.Command(name, flag, file)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}
