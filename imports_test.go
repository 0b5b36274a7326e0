package cell_test

import (
	"strings"
	"testing"
)

// allowed lists every package of this module with what it may import besides the standard
// library, and why. A word stands for a package and those below it: "internal" allows
// internal/wire, "golang.org/x" all of that. Paths without a dot are of this module. Imports
// point one way, so that a reader can follow a call without looking back, and a part can be
// replaced without the others noticing. Tests may import what they like.
var allowed = []struct{ pkg, imports, because string }{
	{".", "", "holds only this test"},

	// Shared by the rest: formats, files and small tools. They know no network library.
	{"internal/address", "", "names, IDs and addresses are text with a strict parser"},
	{"internal/address/addresstest", "internal/address", "makes peer IDs for tests"},
	{"internal/capability", "internal/address internal/home internal/socket internal/textfile",
		"keys name a cell and a peer; revoked.toml is a locked file in the home"},
	{"internal/cellsocket", "internal/address internal/home internal/socket",
		"a cell's listener: its path is the home's, its callers are peer IDs"},
	{"internal/dna", "internal/address internal/home internal/textfile github.com/pelletier",
		"reads dna/NAME and dna/NAME.toml in the home"},
	{"internal/home", "internal/address", "builds paths from names"},
	{"internal/home/hometest", "internal/home", "makes homes for tests"},
	{"internal/invite",
		"internal/address internal/home internal/peers internal/socket internal/textfile",
		"an invite grants cells; invites/ID.toml is a locked file in the home"},
	{"internal/knownplaces", "internal/address internal/home internal/socket internal/textfile",
		"places.toml is a locked file in the home"},
	{"internal/links",
		"internal/address internal/home internal/pipe internal/socket internal/textfile " +
			"github.com/fsnotify",
		"sockets and ports that lead to addresses; links.toml is watched"},
	{"internal/peers", "internal/address internal/home internal/socket internal/textfile",
		"peers/PETNAME.toml is a locked file in the home"},
	{"internal/pipe", "internal/rawio golang.org/x",
		"moves bytes between streams with raw system calls"},
	{"internal/pipe/pipetest", "internal/pipe", "an in-memory stream for tests"},
	{"internal/process", "internal/address internal/home internal/socket",
		"finds the process behind a cell's socket"},
	{"internal/rawio", "golang.org/x", "system calls that Go's scheduler is not told about"},
	{"internal/socket", "", "Unix sockets and file locks, by path"},
	{"internal/socket/sockettest", "", "fills socket queues in tests"},
	{"internal/stemclient", "internal/home internal/socket internal/wire",
		"asks the stem of a home, in words of the wire"},
	{"internal/tasks", "", "owns goroutines"},
	{"internal/textfile", "github.com/pelletier", "reads TOML and says which line is wrong"},
	{"internal/trace", "", "events of ping and find, as values"},
	{"internal/wire", "", "lines of text, whatever carries them"},

	// Where a peer is.
	{"discovery/mdns", "github.com/libp2p github.com/multiformats golang.org/x",
		"announces in the local network; it remembers nothing"},
	{"discovery",
		"discovery/mdns internal/tasks internal/trace github.com/ipfs github.com/libp2p " +
			"github.com/multiformats github.com/quic-go",
		"the DHT is libp2p's; finding a peer is a step of dialling it, so not node"},

	// The libp2p host: from what knows nothing of the others up to the host itself.
	{"node/maddrs", "github.com/libp2p github.com/multiformats", "pure questions about multiaddrs"},
	{"node/netif", "discovery/mdns internal/rawio github.com/libp2p golang.org/x",
		"what the node runs on: sockets and interfaces"},
	{"node/limits",
		"internal/address node/maddrs github.com/libp2p github.com/multiformats golang.org/x",
		"libp2p's resource manager, told who is a friend"},
	{"node/gater", "node/maddrs github.com/libp2p github.com/multiformats",
		"which addresses may be dialled, asked before each dial"},
	{"node/ranker", "node/maddrs github.com/libp2p github.com/multiformats",
		"which address is dialled when"},
	{"node/tracer",
		"discovery internal/trace node/maddrs github.com/libp2p github.com/multiformats",
		"what ping and find show of dials and punches"},
	{"node/transport/internal/batch", "", "gathers writes of any connection"},
	{"node/transport",
		"internal/rawio node/limits node/netif node/transport github.com/libp2p " +
			"github.com/multiformats github.com/quic-go",
		"QUIC, TCP and TLS on the machine's sockets"},
	{"node/peerconn",
		"internal/pipe internal/tasks internal/wire node/maddrs github.com/libp2p " +
			"github.com/multiformats github.com/quic-go",
		"connections and streams, handed out as pipe.Stream"},
	{"node/nat/portmap", "node/maddrs github.com/huin github.com/libp2p github.com/multiformats",
		"asks the router for ports; needs no host"},
	{"node/nat",
		"internal/tasks node/maddrs node/nat/portmap node/peerconn github.com/libp2p " +
			"github.com/multiformats github.com/quic-go golang.org/x",
		"what can be reached from outside; it knows no relays"},
	{"node/relay",
		"internal/tasks node/maddrs node/peerconn github.com/libp2p github.com/multiformats",
		"which relays we hold and for whom we relay; it is told what nat finds"},
	{"node/holepunch",
		"internal/tasks internal/trace node/maddrs node/nat github.com/libp2p " +
			"github.com/multiformats",
		"direct connections in place of relayed ones"},
	{"node/internal/nettest", "node/maddrs github.com/libp2p github.com/multiformats",
		"hosts and addresses for the tests of these packages"},
	{"node",
		"discovery internal node github.com/ipfs github.com/libp2p github.com/multiformats " +
			"github.com/quic-go go.uber.org golang.org/x",
		"connects the packages above with discovery; it does not know what calls are"},

	// The daemon. It knows no network library: what it needs of one is an interface.
	{"stem/gate", "internal/address internal/capability internal/invite internal/peers",
		"decides from memory: no files, no network, no clock of its own"},
	{"stem/germinate", "internal stem/gate github.com/fsnotify golang.org/x",
		"starts cells from the home and waits for their sockets"},
	{"stem/policy", "internal stem/gate github.com/fsnotify",
		"turns the files of the home into rules for the gate"},
	{"stem/stemtest", "internal synapse go.uber.org",
		"the cells and peers of the tests of these packages"},
	{"stem", "internal stem golang.org/x",
		"serves calls through interfaces, so that a simulation can bring its own network"},

	// What programs link to, and the cells that show how.
	{"synapse", "internal",
		"people link it: the standard library and a few small packages of ours"},
	{"synapse/httpcell", "internal/address synapse", "the same for http.Client"},
	{"cells", "", "embeds the example picture"},
	{"cells/brain", "cells/internal/cell cells/internal/vision",
		"an example: what anyone could write with the SDK"},
	{"cells/echo", "cells/internal/cell", "an example: what anyone could write with the SDK"},
	{"cells/edge_detector", "cells/internal/cell cells/internal/vision",
		"an example: what anyone could write with the SDK"},
	{"cells/internal/cell", "synapse",
		"what the examples share of asking and answering, on the SDK"},
	{"cells/internal/drawing", "", "draws the example picture"},
	{"cells/internal/vision", "golang.org/x", "what the examples compute; it knows no cells"},
	{"cells/retina", "cells/internal/cell cells/internal/vision",
		"an example: what anyone could write with the SDK"},
	{"sdk", "", "embeds files in other languages"},

	// Networks to test on. They may import everything but the command.
	{"testnet",
		"discovery internal node stem stem/gate testnet/internet testnet/natlab " +
			"github.com/libp2p github.com/multiformats golang.org/x",
		"real stems on simulated machines"},
	{"testnet/bench", "internal/socket testnet/local golang.org/x",
		"measures processes on loopback and in the lab"},
	{"testnet/floor", "github.com/libp2p", "the same exchange on raw libp2p, to compare with"},
	{"testnet/internet", "testnet/natlab", "simulated machines, with the lab's kinds of network"},
	{"testnet/local", "internal node stem golang.org/x",
		"stems as processes on loopback, with homes of their own"},
	{"testnet/local/localtest", "internal/home internal/process testnet/local go.uber.org",
		"the same for tests"},
	{"testnet/natlab", "internal/socket golang.org/x",
		"network namespaces; the programs in them are processes"},
	{"testnet/picture", "testnet/scenario", "draws what a scenario came to"},
	{"testnet/proofs", "", "other people's programs, started as processes"},
	{"testnet/scenario",
		"internal node stem testnet testnet/internet testnet/local testnet/natlab " +
			"github.com/pelletier golang.org/x",
		"runs the same description on testnet and on natlab"},
	{"testnet/stock", "github.com/libp2p github.com/multiformats",
		"a plain libp2p server, to show that cell gets along with it"},

	// The command, which nothing imports.
	{"cmd/cell",
		"cmd/cell/internal internal node stem synapse testnet filippo.io github.com/fsnotify " +
			"github.com/mdp github.com/schollz github.com/spf13 golang.org/x",
		"arguments, wording and exit codes, over everything else"},
	{"cmd/cell/internal/adapter", "internal",
		"carries a program that does not bind a socket itself"},
	{"cmd/cell/internal/build", "internal golang.org/x", "turns sources into dna"},
	{"cmd/cell/internal/demo",
		"cells cmd/cell/internal/build cmd/cell/internal/origin internal/home testnet/local",
		"two machines on loopback and the example cells"},
	{"cmd/cell/internal/doctor", "internal golang.org/x",
		"looks at files, sockets and interfaces, without a stem"},
	{"cmd/cell/internal/origin", "", "where the source of this program is"},
	{"cmd/cell/internal/origin/origintest", "cmd/cell/internal/origin golang.org/x",
		"packs the checkout as a release"},
	{"cmd/cell/internal/scaffold", "cmd/cell/internal/origin internal/address sdk",
		"writes a new cell, with the SDKs"},
	{"cmd/cell/internal/service", "internal/textfile", "writes units for systemd and launchd"},
}

// never lists what packages may not reach through any number of imports, whatever the list
// above allows, and why.
var never = []struct{ pkg, reach, because string }{
	{"synapse", "stem node discovery testnet github.com golang.org filippo.io",
		"people link the SDK into their programs; it must not bring versions that clash"},
	{"stem", "node discovery synapse testnet cmd github.com/libp2p github.com/multiformats " +
		"github.com/quic-go",
		"the stem takes its network as a value, so that a simulation can bring its own"},
	{"node", "stem synapse testnet cmd",
		"the network carries calls and does not know what they are"},
	{"discovery", "node stem synapse testnet cmd",
		"finding a peer is a step of dialling it, not the other way round"},
	{"internal", "node discovery stem synapse testnet cmd github.com/libp2p",
		"what is shared stands below all that share it"},
	{"cells", "node stem discovery testnet cmd github.com/libp2p",
		"the example cells are what anyone could write with the SDK"},
	{"testnet", "cmd", "the command is made of the testnet, not the other way round"},
}

// libp2p may be imported by these, and by what is below them.
const libp2p = "node discovery testnet"

func TestImports(t *testing.T) {
	graph := list(t)
	listed := map[string]bool{}
	for _, a := range allowed {
		p, ok := graph[full(a.pkg)]
		if !ok {
			t.Errorf("%s is listed here, but there is no such package", a.pkg)
		}
		listed[full(a.pkg)] = true
		for _, path := range p.Imports {
			if !graph[path].Standard && !covers(a.imports, path) {
				t.Errorf("%s imports %s, which is not in its list: %s", a.pkg, path, a.because)
			}
		}
	}
	for path := range graph {
		if under(path, module) && !listed[path] {
			t.Errorf("%s is not listed here: say what it may import, and why", path)
		}
	}
}

func TestNeverReached(t *testing.T) {
	graph := list(t)
	for _, n := range never {
		for path := range graph {
			if !under(path, full(n.pkg)) || isTestHelper(path) {
				continue
			}
			if trail := reaches(graph, path, n.reach, map[string]bool{}); trail != nil {
				t.Errorf("%s: %s", strings.Join(trail, " imports "), n.because)
			}
		}
	}
}

func TestWhoImportsLibp2p(t *testing.T) {
	for _, p := range list(t) {
		if !under(p.ImportPath, module) || covers(libp2p, p.ImportPath) {
			continue
		}
		for _, path := range p.Imports {
			if under(path, "github.com/libp2p") {
				t.Errorf("%s imports %s: only %s may", p.ImportPath, path, libp2p)
			}
		}
	}
}
