package germinate

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/pipe"
)

// callees holds the open connections to cells, by the caller names that the cells see. A cell
// that cannot finish a call reports that name before it closes, because its Unix socket reads
// as an orderly end either way.
type callees struct {
	mu sync.Mutex
	by map[string]*callee
}

// callee is one connection to a cell.
type callee struct {
	pipe.Wrapper
	cell  address.Name
	cut   atomic.Bool
	leave func()
}

var errCutByCell = errors.New("the cell could not finish the call")

// add dials the cell. It stores the caller's name first, since a cell may report a cut as soon
// as it accepts.
func (c *callees) add(cell address.Name, name string,
	dial func() (*net.UnixConn, error)) (*callee, error) {
	one := &callee{cell: cell}
	one.leave = func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.by, name)
	}
	c.mu.Lock()
	c.by[name] = one
	c.mu.Unlock()
	conn, err := dial()
	if err != nil {
		one.leave()
		return nil, err
	}
	one.Stream = pipe.Unix(conn)
	return one, nil
}

// Cut marks the call of a caller as cut by its cell. It reports whether there is such a call.
func (f *Factory) Cut(caller string) bool {
	f.callees.mu.Lock()
	defer f.callees.mu.Unlock()
	one, ok := f.callees.by[caller]
	if ok {
		one.cut.Store(true)
	}
	return ok
}

// Read returns an error instead of io.EOF if the cell has cut the call.
func (c *callee) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	return n, c.end(err)
}

func (c *callee) ReadLate(l *pipe.Loan) (int, error) {
	n, err := pipe.ReadLate(c.Stream, l)
	return n, c.end(err)
}

func (c *callee) end(err error) error {
	if err == io.EOF && c.cut.Load() {
		return fmt.Errorf("%w: see \"cell logs %s\"", errCutByCell, c.cell)
	}
	return err
}

func (c *callee) Close() error {
	c.leave()
	return c.Stream.Close()
}

func (c *callee) Abort(reason error) {
	c.leave()
	c.Stream.Abort(reason)
}
