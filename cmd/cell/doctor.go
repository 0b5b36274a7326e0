package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/cell-mesh/cell/cmd/cell/internal/doctor"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/node"
	"github.com/cell-mesh/cell/node/maddrs"
	"github.com/cell-mesh/cell/node/nat/portmap"
	"github.com/cell-mesh/cell/synapse"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "find problems on this machine, and how to fix them",
		Long: `Checks the home, the network and the system. Each finding is "ok", "note" (it
works, but could be better) or "broken", and comes with the command that fixes
it. While a stem runs, the findings include what the stem knows. Changes nothing
and contacts no other machine. Exits with 1 if something is broken.`,
		Example: `  cell doctor`,
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks := examine(cmd.Context())
			if asJSON {
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(checks); err != nil {
					return err
				}
			} else if err := printChecks(cmd.OutOrStdout(), checks); err != nil {
				return err
			}
			if broken := doctor.Broken(checks); len(broken) > 0 {
				return fmt.Errorf("broken: %s", strings.Join(broken, ", "))
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// examine runs all checks.
func examine(ctx context.Context) []doctor.Check {
	h, err := home.Default()
	if err != nil {
		return []doctor.Check{{Name: "home", State: doctor.Bad, What: err.Error(),
			Remedy: "export CELL_HOME=/a/shorter/path"}}
	}
	now := time.Now()
	checks := doctor.Home(h)
	flags := upFlags{Mesh: defaultMesh, Relay: node.RelayTrusted}
	config := readConfig(h, upCommand(), &flags)
	if config != nil {
		flags = upFlags{} // no stem can start with these
	}
	checks = append(checks, doctor.Texts(h, config, now)...)
	status, err := stemStatus(ctx)
	checks = append(checks, doctor.Stale(h, !errors.Is(err, synapse.ErrNoStem), now)...)
	switch {
	case err == nil:
		checks = append(checks, examineStem(status, flags)...)
	case errors.Is(err, synapse.ErrNoStem):
		checks = append(checks, doctor.Addresses(doctor.Own())...)
		checks = append(checks, doctor.Port(portOf(flags), flags.Port != 0, nil)...)
	default:
		checks = append(checks, doctor.Check{Name: "stem", State: doctor.Bad, What: err.Error(),
			Remedy: "stop the stem, then run cell up"})
	}
	checks = append(checks, doctor.UDPBuffers()...)
	checks = append(checks, doctor.Clock(h, buildTime(), now)...)
	if me, err := user.Current(); err == nil {
		config, _ := os.UserConfigDir()
		checks = append(checks, doctor.Linger(config, doctor.Lingering, me.Username)...)
	}
	return checks
}

// examineStem runs the checks that need a running stem.
func examineStem(s fullStatus, flags upFlags) []doctor.Check {
	n := s.Network
	network := doctor.Network{
		Mesh: n.Mesh, Loopback: true, Reachability: n.Reachability,
		UDP: doctor.NAT(n.UDP), TCP: doctor.NAT(n.TCP), Router: examineRouter(n.Ports),
		Members: n.DHT.Peers, Near: n.Near,
	}
	var ports []int
	for _, addr := range n.Addrs {
		at, ok := maddrs.HostPort(addr)
		if ok {
			ports = append(ports, int(at.Port()))
			network.Loopback = network.Loopback && at.Addr().IsLoopback()
		}
	}
	called := petnameOf()
	for _, id := range n.Relays {
		network.Relays = append(network.Relays, called(id))
	}
	for _, b := range n.Bootstrap {
		switch {
		case b.Error != "":
			network.Missing = append(network.Missing, called(b.ID)+": "+b.Error)
		case !b.Connected:
			network.Joining = true
		}
	}
	stem := doctor.Check{Name: "stem", State: doctor.OK,
		What: fmt.Sprintf("process %d, since %s", s.PID, s.Since.Local().Format(time.DateTime))}
	if what, remedy := otherVersion(s); what != "" {
		stem.State, stem.What, stem.Remedy = doctor.Note, what, remedy
	}
	checks := []doctor.Check{stem}
	if !network.Loopback {
		checks = append(checks, doctor.Addresses(doctor.Own())...)
	}
	checks = append(checks, network.Check()...)
	return append(checks, doctor.Port(portOf(flags), flags.Port != 0, ports)...)
}

// examineRouter converts the state of the port mapping for the doctor.
func examineRouter(p portmap.State) doctor.Router {
	r := doctor.Router{By: p.By, Why: p.Why}
	if p.Router.IsValid() {
		r.At = p.Router.String()
	}
	for kind, port := range map[string]uint16{"UDP": p.UDP, "TCP": p.TCP} {
		if port != 0 {
			outside := netip.AddrPortFrom(p.Outside, port)
			r.Opened = append(r.Opened, fmt.Sprintf("%v (%s)", outside, kind))
		}
	}
	slices.Sort(r.Opened)
	return r
}

// portOf is the port that the stem should listen on.
func portOf(flags upFlags) int { return cmp.Or(flags.Port, node.DefaultPort) }

// buildTime is when the program's source was committed, or the zero time.
func buildTime() time.Time {
	if at := thisBuild().Time; at != nil {
		return *at
	}
	return time.Time{}
}

// printChecks prints the checks as a table, each remedy below its finding.
func printChecks(w io.Writer, checks []doctor.Check) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range checks {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.State, c.Name, wire.Words(c.What))
		if c.Remedy != "" {
			fmt.Fprintf(table, "\t\t→ %s\n", wire.Words(c.Remedy))
		}
	}
	return table.Flush()
}
