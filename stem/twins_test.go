package stem

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/pipe/pipetest"
	"github.com/cell-mesh/cell/internal/socket"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/gate"
)

// machine is a stem in memory with a fake network, cells and rules, which runs in virtual time.
type machine struct {
	*Stem
	ctx   context.Context // of its calls
	cut   context.CancelCauseFunc
	net   *fakeNetwork
	cells *fakeCells
	rules *fakeRules
}

// twins returns two machines that can reach each other and grant each other nothing.
func twins(t *testing.T) (a, b *machine) {
	a, b = newMachine(t, testID(1)), newMachine(t, testID(2))
	a.net.far[b.net.id], b.net.far[a.net.id] = b, a
	return a, b
}

func newMachine(t *testing.T, id address.ID) *machine {
	m := &machine{
		net:   &fakeNetwork{id: id, far: map[address.ID]*machine{}},
		cells: &fakeCells{do: map[string]func(pipe.Stream){}, err: map[string]error{}},
		rules: &fakeRules{rules: newRules()},
	}
	m.ctx, m.cut = context.WithCancelCause(context.Background())
	stem, err := New(Config{Claim: new(socket.Lock), Network: m.net,
		Parts: Parts{Cells: m.cells, Policy: m.rules}, Hooks: Hooks{Record: func(Record) {}}})
	if err != nil {
		t.Fatal(err)
	}
	m.Stem = stem
	return m
}

func newRules() *gate.Rules {
	return &gate.Rules{Grants: map[address.ID]peers.Grant{}, Public: map[address.Name]bool{},
		Petnames: map[address.Petname]address.ID{}}
}

// grant lets a peer reach cells.
func (m *machine) grant(peer *machine, words ...string) {
	m.rules.rules.Grants[peer.net.id], _ = peers.ParseGrant(words)
}

// local connects to the machine's local door.
func (m *machine) local() pipe.Stream {
	near, door := pipetest.New()
	if m.tasks.Begin() {
		go func() {
			defer m.tasks.Done()
			m.serve(m.ctx, gate.Caller{}, door)
		}()
	} else {
		door.Close()
	}
	return near
}

// remote opens a stream to the machine as another machine does.
func (m *machine) remote(caller address.ID) pipe.Stream {
	near, door := pipetest.New()
	go m.serveRemote(m.ctx, caller, door)
	return near
}

type fakeNetwork struct {
	id    address.ID
	far   map[address.ID]*machine
	opens int
	// wrap, if set, wraps each stream that is opened, to watch or disturb it.
	wrap func(pipe.Stream) pipe.Stream
}

func (n *fakeNetwork) ID() address.ID { return n.id }

func (n *fakeNetwork) Handle(func(context.Context, address.ID, pipe.Stream)) {}

func (n *fakeNetwork) HandleRaw(func(context.Context, address.ID, string, pipe.Stream)) {}

func (n *fakeNetwork) Whois(_ context.Context, at address.Place) (address.ID, error) {
	return address.ID{}, fmt.Errorf("nobody answers at %s", at)
}

func (n *fakeNetwork) Open(_ context.Context, to address.ID,
	_ ...address.Place) (pipe.Stream, error) {
	n.opens++
	far, ok := n.far[to]
	if !ok {
		return nil, fmt.Errorf("no way to %s was found", to)
	}
	near, other := pipetest.New()
	if far != nil { // else a peer that never answers
		go far.serveRemote(far.ctx, n.id, other)
	}
	if n.wrap != nil {
		near = n.wrap(near)
	}
	return near, nil
}

// fakeCells are functions that get the cell's end of each call.
type fakeCells struct {
	mu    sync.Mutex
	do    map[string]func(pipe.Stream)
	err   map[string]error
	asked []string
}

func (c *fakeCells) ask(what string, cell address.Name, caller gate.Caller) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, fmt.Sprintf("%s %s for %s", what, cell, caller))
	if err := c.err[cell.String()]; err != nil {
		return err
	}
	if c.do[cell.String()] == nil {
		return wire.Refusal{Code: wire.NotFound,
			Reason: "there is no dna at secret/" + cell.String()}
	}
	return nil
}

func (c *fakeCells) Connect(_ context.Context, cell address.Name,
	caller gate.Caller) (pipe.Stream, error) {
	if err := c.ask("connect", cell, caller); err != nil {
		return nil, err
	}
	near, far := pipetest.New()
	go c.do[cell.String()](far)
	return near, nil
}

func (c *fakeCells) Germinate(_ context.Context, cell address.Name, caller gate.Caller) error {
	return c.ask("germinate", cell, caller)
}

func (c *fakeCells) Cut(caller string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, "cut "+caller)
	return true
}

func (c *fakeCells) Running() (cells []address.Name) {
	for text := range c.do {
		cells = append(cells, name(text))
	}
	slices.SortFunc(cells, func(a, b address.Name) int { return len(a.String()) - len(b.String()) })
	return cells
}

func (c *fakeCells) Known() []address.Name { return c.Running() }

func (c *fakeCells) Run(ctx context.Context) error { <-ctx.Done(); return nil }

type fakeRules struct {
	rules   *gate.Rules
	rereads int
}

func (f *fakeRules) Rules() *gate.Rules { return f.rules }
func (f *fakeRules) Reread()            { f.rereads++ }

func (f *fakeRules) Join(context.Context, address.ID, string, time.Time) (peers.Grant, error) {
	return peers.Grant{}, wire.Refusal{Code: wire.Denied}
}
func (f *fakeRules) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// echo is a cell that sends back what it reads.
func echo(s pipe.Stream) {
	io.Copy(s, s)
	s.Close()
}

// ask sends a request and reads the verdict. The stream that it returns has the rest.
func ask(t *testing.T, s pipe.Stream, request string) (wire.Pairs, pipe.Stream, error) {
	t.Helper()
	if _, err := io.WriteString(s, request+"\n"); err != nil {
		t.Fatal(err)
	}
	pairs, rest, err := wire.ReadVerdict(s)
	return pairs, pipe.Unread(s, rest), err
}

// open opens a call, which must be granted.
func open(t *testing.T, s pipe.Stream, address string) (call string, stream pipe.Stream) {
	t.Helper()
	pairs, stream, err := ask(t, s, "open "+address)
	if err != nil {
		t.Fatalf("open %s: %v", address, err)
	}
	return pairs.Get("call"), stream
}

// everything sends text, ends its side and returns all that comes back.
func everything(t *testing.T, s pipe.Stream, text string) string {
	t.Helper()
	defer s.Close()
	_, err := io.WriteString(s, text)
	if err == nil {
		err = s.CloseWrite()
	}
	got, readErr := io.ReadAll(s)
	if readErr != nil {
		t.Fatalf("after %q: %v (wrote: %v)", got, readErr, err)
	}
	return string(got)
}
