// Package local runs stems as processes on loopback: a testnet that a person can type at.
// Each node has a home of its own, and they find each other in a private mesh that nobody
// else is told of. No root is needed, and nothing goes out.
//
//	DIR/testnet.toml        that this is a testnet, and of how many nodes
//	DIR/bin/cell            the program that all of them run
//	DIR/node1/ … nodeN/     a home each: its stem.toml says where it listens, its peers/ trusts all others with every cell
//	DIR/node1/log/stem.up.log
//
// The stems outlive whoever called Up, and Open finds them again. There is no list of
// processes: the kernel says who listens at a home's stem.sock, so what Down ends is a
// stem of the testnet, or nothing.
package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/textfile"
)

// MaxNodes is how many stems may run side by side: each is a process that knows all the others.
const MaxNodes = 50

// Mesh is the mesh that the stems are in.
const Mesh = "testnet"

var (
	// ErrExists is what Up fails with where a testnet is.
	ErrExists = errors.New("there is a testnet already")
	// ErrNone is what Open fails with where none is.
	ErrNone = errors.New("there is no testnet")
	// ErrBusy is what Up and Down fail with while another Up or Down is at work there.
	ErrBusy = errors.New("another command is at work there")
)

// Net is a testnet: a directory.
type Net struct {
	Dir   string
	Nodes []Node
}

// Node is one stem of a testnet, whether it runs or not.
type Node struct {
	// Name is node1 and so on, and the petname that the others know it by.
	Name string
	Home home.Home
}

// file is DIR/testnet.toml.
type file struct {
	Nodes int `toml:"nodes" comment:"stems of a testnet; \"cell testnet down\" ends them and removes their homes"`
}

// Open returns the testnet in a directory. It fails with ErrNone, or with what is wrong
// with its file.
func Open(dir string) (*Net, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	var f file
	err = textfile.Read(record(dir), &f)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	if err != nil {
		return nil, err
	}
	if err := checkCount(f.Nodes); err != nil {
		return nil, textfile.At(record(dir), "nodes", err)
	}
	return newNet(dir, f.Nodes)
}

func newNet(dir string, nodes int) (*Net, error) {
	n := &Net{Dir: dir}
	for i := range nodes {
		name := "node" + strconv.Itoa(i+1)
		h, err := home.At(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("a testnet in %s: the sockets in %s would have too long a path: choose a shorter directory", dir, name)
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

// Node returns a node by its name.
func (n *Net) Node(name string) (Node, bool) {
	for _, node := range n.Nodes {
		if node.Name == name {
			return node, true
		}
	}
	return Node{}, false
}

// Cell is the program that the stems run.
func (n *Net) Cell() string { return filepath.Join(n.bin(), "cell") }

// Vars are the environment variables of a program that lives in the node's home and finds
// the testnet's cell by its name.
func (n *Net) Vars(node Node) map[string]string {
	return map[string]string{
		"CELL_HOME": node.Home.String(),
		"PATH":      n.bin() + string(os.PathListSeparator) + os.Getenv("PATH"),
	}
}

func (n *Net) bin() string { return filepath.Join(n.Dir, "bin") }

func record(dir string) string { return filepath.Join(dir, "testnet.toml") }

// claim keeps others from changing a testnet until the lock is given back.
func claim(dir string) (*socket.Lock, error) {
	lock, err := socket.TryLock(filepath.Join(dir, "testnet.lock"))
	if errors.Is(err, socket.ErrLocked) {
		return nil, fmt.Errorf("%s: %w", dir, ErrBusy)
	}
	return lock, err
}
