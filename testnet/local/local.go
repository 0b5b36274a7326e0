// Package local runs stems as processes on loopback. It needs no root, and sends nothing to
// other machines.
//
// A Net is what "cell testnet up" starts, a testnet to use from a terminal:
//
//	net, err := local.Up(ctx, local.Config{Dir: dir, Cell: cell, Nodes: 3})
//	status, err := net.Nodes[0].Ask(ctx)
//	err = net.Down(ctx)
//
// Each Node has its own home, and the nodes find each other in a private mesh:
//
//	DIR/testnet.toml           marks a testnet, and has the number of nodes
//	DIR/bin/cell               the program that all nodes run
//	DIR/node1/ … nodeN/        a home each, which trusts all others with every cell
//	DIR/node1/log/stem.up.log  what the stem prints
//
// The stems outlive the process that called Up, and Open finds them again. There is no list
// of PIDs: the kernel knows which process listens on a home's stem.sock, so Down can't end
// a process that is not a stem of the testnet.
//
// A Stem is a child process for a test, a benchmark or a demo.
package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/textfile"
)

// MaxNodes is the most nodes of a testnet: each is a process that connects to all others.
const MaxNodes = 50

// Mesh is the mesh of the nodes.
const Mesh = "testnet"

var (
	// ErrExists means that the directory already has a testnet.
	ErrExists = errors.New("there already is a testnet")
	// ErrNone means that the directory has no testnet.
	ErrNone = errors.New("there is no testnet")
	// ErrBusy means that another Up or Down is working in the directory.
	ErrBusy = errors.New("another command is working there")
)

// Net is a testnet in a directory.
type Net struct {
	Dir   string
	Nodes []Node
}

// Node is a stem of a testnet, which need not run. It has a name and a home.
type Node struct {
	// Name is node1 and so on. It is also the node's petname in the other homes.
	Name string
	Home home.Home
}

// file is DIR/testnet.toml.
type file struct {
	Nodes int `toml:"nodes" comment:"stems of a testnet; to remove it, run \"cell testnet down\""`
}

// Open returns the testnet in a directory, or ErrNone.
func Open(dir string) (*Net, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	var f file
	err = textfile.Read(configFile(dir), &f)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	if err != nil {
		return nil, err
	}
	if err := checkCount(f.Nodes); err != nil {
		return nil, textfile.At(configFile(dir), "nodes", err)
	}
	return newNet(dir, f.Nodes)
}

func newNet(dir string, nodes int) (*Net, error) {
	n := &Net{Dir: dir}
	for i := range nodes {
		name := "node" + strconv.Itoa(i+1)
		h, err := home.At(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("a testnet in %s: the paths of the sockets in %s would be too "+
				"long: choose a shorter directory", dir, name)
		}
		n.Nodes = append(n.Nodes, Node{name, h})
	}
	return n, nil
}

func checkCount(nodes int) error {
	if nodes < 1 || nodes > MaxNodes {
		return fmt.Errorf("%d stems: a testnet of processes has 1 to %d", nodes, MaxNodes)
	}
	return nil
}

// Node returns a node by name.
func (n *Net) Node(name string) (Node, bool) {
	i := slices.IndexFunc(n.Nodes, func(node Node) bool { return node.Name == name })
	if i < 0 {
		return Node{}, false
	}
	return n.Nodes[i], true
}

// Cell returns the path of the program that the stems run.
func (n *Net) Cell() string { return filepath.Join(n.bin(), "cell") }

// Vars returns the environment variables with which a program uses the node's home, and
// finds the testnet's cell in $PATH.
func (n *Net) Vars(node Node) map[string]string {
	return map[string]string{
		"CELL_HOME": node.Home.String(),
		"PATH":      n.bin() + string(os.PathListSeparator) + os.Getenv("PATH"),
	}
}

func (n *Net) bin() string { return filepath.Join(n.Dir, "bin") }

func configFile(dir string) string { return filepath.Join(dir, "testnet.toml") }

// lockNet prevents other processes from changing a testnet until the lock is released.
func lockNet(dir string) (*socket.Lock, error) {
	lock, err := socket.TryLock(filepath.Join(dir, "testnet.lock"))
	if errors.Is(err, socket.ErrLocked) {
		return nil, fmt.Errorf("%s: %w", dir, ErrBusy)
	}
	return lock, err
}
