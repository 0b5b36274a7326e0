package scenario

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem"
	"github.com/cell-mesh/cell/testnet/internet"
	"github.com/cell-mesh/cell/testnet/local"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// maxReal is how many nodes may be processes.
const maxReal = 100

// real is a network of kernel namespaces, in which each node is a process.
type real struct {
	lab   *natlab.Lab
	dir   string // of the homes
	cell  string
	nodes map[string]*realNode
	byID  map[string]string // node names by peer ID

	mu     sync.Mutex
	public []*realNode // in the order in which they started
}

// checkReal returns an error if the plan needs what kernel namespaces can't do.
func checkReal(p *Plan) error {
	if len(p.Nodes) > maxReal {
		return fmt.Errorf("%d nodes, including those that come later, are too many: "+
			"at most %d can be processes", len(p.Nodes), maxReal)
	}
	for _, n := range p.Nodes {
		if n.Hairpin {
			return fmt.Errorf("%s: the kernel's routers support no hairpin: leave out --real, "+
				"or hairpin", n.Name)
		}
	}
	return natlab.Check()
}

func newReal(p *Plan, opts Options) (_ network, err error) {
	if opts.Join == Preset {
		return nil, errors.New("processes join naturally: their routing tables can't be preset")
	}
	if err := checkReal(p); err != nil {
		return nil, err
	}
	r := &real{cell: opts.Cell, byID: map[string]string{}, nodes: map[string]*realNode{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.close())
		}
	}()
	if r.dir, err = os.MkdirTemp("", "ct"); err != nil { // short, for the paths of sockets
		return nil, err
	}
	if r.lab, err = natlab.New(natlab.Config{}, sites(p.Nodes)...); err != nil {
		return nil, err
	}
	for i, n := range p.Nodes {
		h, err := home.At(filepath.Join(r.dir, strconv.Itoa(i)))
		if err != nil {
			return nil, err
		}
		node := &realNode{Node: n, host: r.lab.Host(n.Name),
			stem: local.Node{Name: n.Name, Home: h}}
		if err := node.makeHome(); err != nil {
			return nil, err
		}
		r.nodes[n.Name], r.byID[node.id] = node, n.Name
	}
	return r, nil
}

// sites returns one site for each LAN, and one for each node that is in none.
func sites(nodes []Node) (sites []natlab.Site) {
	lans := map[string]int{}
	for _, n := range nodes {
		if at, ok := lans[n.LAN]; ok && n.LAN != "" {
			sites[at].Hosts = append(sites[at].Hosts, n.Name)
			continue
		}
		lans[n.LAN] = len(sites)
		sites = append(sites, n.Place.Site(n.Name).Over(n.Link))
	}
	return sites
}

func (r *real) begin(ctx context.Context, nodes []Node, ready func(context.Context) error,
	joined func(int)) (string, error) {
	how, err := joinNaturally(ctx, r, nodes, ready, joined)
	return how + ", as processes on real networks", err
}

func (r *real) start(ctx context.Context, n Node) error {
	node := r.nodes[n.Name]
	r.mu.Lock()
	for _, other := range r.public[:min(bootstrapNodes, len(r.public))] {
		node.flags = append(node.flags, other.bootstrapFlags()...)
	}
	r.mu.Unlock()
	if err := node.start(ctx, r.cell); err != nil {
		return err
	}
	if n.Place.Kind == natlab.Public {
		r.mu.Lock()
		r.public = append(r.public, node)
		r.mu.Unlock()
	}
	return nil
}

func (r *real) joined(ctx context.Context, name string) { r.nodes[name].joined(ctx) }

func (r *real) up() (count int) {
	for _, n := range r.nodes {
		if n.running() {
			count++
		}
	}
	return count
}

func (r *real) running(name string) bool { return r.nodes[name].running() }

func (r *real) stop(ctx context.Context, name string) error {
	return r.nodes[name].end(ctx, local.Node.Stop)
}

func (r *real) kill(ctx context.Context, name string) error {
	return r.nodes[name].end(ctx, local.Node.Kill)
}

func (r *real) restart(ctx context.Context, name string) error {
	return r.nodes[name].start(ctx, r.cell)
}

func (r *real) relays(ctx context.Context, name string) (relays []string) {
	s, _ := r.nodes[name].stem.Ask(ctx) // a node that does not answer has none
	for _, id := range s.Network.Relays {
		relays = append(relays, r.byID[id])
	}
	return relays
}

func (r *real) cut(a, b string) (heal func()) {
	return r.lab.Cut(r.nodes[a].host, r.nodes[b].host)
}

func (r *real) partition(sides [][]string) (heal func()) {
	groups := make([][]*natlab.Host, len(sides))
	for i, names := range sides {
		for _, name := range names {
			groups[i] = append(groups[i], r.nodes[name].host)
		}
	}
	return r.lab.Partition(groups...)
}

func (r *real) heal() { r.lab.Heal() }

func (r *real) setLink(name string, link internet.Link) { r.lab.SetLink(r.nodes[name].host, link) }

func (r *real) renumber(name string) error {
	routers := r.nodes[name].host.Routers
	return routers[len(routers)-1].Renumber()
}

// call calls through the socket of the caller's stem, as a program on its machine would.
func (r *real) call(ctx context.Context, c Call) (Record, int, error) {
	record := Record{Call: c, began: time.Now()}
	got, err := record.ask(ctx, r.nodes[c.From].stem.Home, c.Cell+"@"+r.nodes[c.To].id, c.Bytes)
	record.Took = time.Since(record.began)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return record, got, err
}

func (r *Record) ask(ctx context.Context, from home.Home, to string,
	size int) (got int, err error) {
	answer, err := stemclient.Ask(ctx, from, wire.Request{Verb: wire.Open, Object: to})
	if err != nil {
		return 0, err
	}
	defer answer.Conn.Close()
	r.Granted = time.Since(r.began)
	defer context.AfterFunc(ctx, func() { answer.Conn.SetDeadline(time.Unix(1, 0)) })()
	sent := make(chan error, 1)
	go func() { // ends with the connection, which is closed below
		_, err := io.WriteString(answer.Conn, strings.Repeat("x", size))
		sent <- errors.Join(err, answer.Conn.CloseWrite())
	}()
	defer func() {
		answer.Conn.Close()
		<-sent
	}()
	in := bufio.NewReader(io.MultiReader(bytes.NewReader(answer.Rest), answer.Conn))
	if _, err = in.Peek(1); err == nil {
		r.FirstByte = time.Since(r.began)
	} else if err == io.EOF {
		return 0, nil
	}
	n, err := io.Copy(io.Discard, in)
	return int(n), err
}

func (r *real) sent() (total uint64) {
	for _, n := range r.nodes {
		total += n.sent()
	}
	return total
}

func (r *real) lookups(time.Time) []Lookup { return nil }

// finish takes the routes of the calls from the audit logs of the callers' stems.
func (r *real) finish(records []Record) {
	logs := map[string][]stem.Record{}
	for i := range records {
		record := &records[i]
		log, ok := logs[record.From]
		if !ok {
			log = readCalls(r.nodes[record.From].stem.Home.Calls())
			logs[record.From] = log
		}
		for j, c := range log {
			late := c.Began.Sub(record.began)
			if c.Direction == "out" && c.Peer == r.nodes[record.To].id && c.Cell == record.Cell &&
				late >= 0 && late < record.Took {
				record.Route = c.Path
				log[j].Direction = "" // each entry belongs to one record
				break
			}
		}
	}
}

// readCalls reads what it can: the last calls of a stem that was killed are missing.
func readCalls(path string) (calls []stem.Record) {
	text, _ := os.ReadFile(path)
	for line := range bytes.Lines(text) {
		var c stem.Record
		if json.Unmarshal(line, &c) == nil {
			calls = append(calls, c)
		}
	}
	return calls
}

// close kills all stems and cells and removes the lab and the homes.
func (r *real) close() (err error) {
	if r.lab != nil {
		err = r.lab.Close()
	}
	for _, n := range r.nodes {
		n.wait()
	}
	if r.dir != "" {
		err = errors.Join(err, os.RemoveAll(r.dir))
	}
	return err
}
