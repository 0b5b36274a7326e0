package bench

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cell-mesh/cell/testnet/local"
)

// mostBridges returns how many bridges a process may hold here. Each needs a file descriptor,
// and the process needs some more.
func mostBridges() (int, error) {
	var files syscall.Rlimit // the hard limit: the Go runtime raises the soft one
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files)
	return int(min(files.Cur, 1<<30)) - 256, err
}

// many opens bridges over one QUIC port, checks that all answer while all are open, and
// measures their memory.
func (l *lab) many() error {
	most, err := mostBridges()
	if err != nil {
		return err
	}
	if l.Bridges > most {
		fmt.Fprintf(l.Log, "%d bridges instead of %d: limit of open files (ulimit -n)\n", most,
			l.Bridges)
		l.Bridges = most
	}
	here, there, err := l.pair("quic-v1", nil)
	if err != nil {
		return err
	}
	if _, err := l.serveCells(there.Home); err != nil {
		return err
	}
	// The first call connects the stems.
	if err := call(l.dial(here.Home, CellName+"@"+there.ID)); err != nil {
		return err
	}
	time.Sleep(l.settle())
	before, err := memory(here.PID(), there.PID())
	if err != nil {
		return err
	}
	conns, opening, err := l.openMany(here, there)
	defer func() {
		for _, conn := range conns {
			conn.Close()
		}
	}()
	if err != nil {
		return fmt.Errorf("bridge %d: %w", len(conns)+1, err)
	}
	began := time.Now()
	if err := inParallel(len(conns), func(i int) error { return roundTrip(conns[i]) }); err != nil {
		return fmt.Errorf("while %d bridges are open: %w", len(conns), err)
	}
	all := time.Since(began)
	p50, p99 := median(opening), percentile(opening, 99)
	l.add(Row{
		What: fmt.Sprintf("quic: %d bridges, 99th percentile of opening one; floor is the median",
			len(conns)),
		Got: micros(p99), Floor: micros(p50), Unit: "µs", Target: "≤ 10 ×", Reached: p99 <= 10*p50,
		Note: fmt.Sprintf("all answered in %.2f s while all were open", all.Seconds())})

	time.Sleep(l.settle())
	after, err := memory(here.PID(), there.PID())
	if err != nil {
		return err
	}
	for i, who := range []string{"caller's", "cell's"} {
		each := float64(after[i]-before[i]) / 1024 / float64(len(conns))
		l.add(Row{What: "quic: memory of an idle bridge, the " + who + " stem", Got: each,
			Unit: "KiB", Target: "≤ 24", Reached: each <= 24,
			Note: fmt.Sprintf("%d MiB before, %d MiB with all", before[i]>>20, after[i]>>20)})
	}
	return nil
}

// settle is how long a stem may take to become idle.
func (l *lab) settle() time.Duration {
	if l.Quick {
		return 0
	}
	return 3 * time.Second
}

// openMany opens the bridges, 16 at a time, each with a round trip.
func (l *lab) openMany(here, there *local.Stem) (conns []Conn, opening []time.Duration,
	err error) {
	var mu sync.Mutex
	err = inParallel(l.Bridges, func(int) error {
		began := time.Now()
		conn, err := l.dial(here.Home, CellName+"@"+there.ID)
		took := time.Since(began)
		if err != nil {
			return err
		}
		mu.Lock()
		conns, opening = append(conns, conn), append(opening, took)
		mu.Unlock()
		if err := echo(conn); err != nil {
			return err
		}
		return roundTrip(conn)
	})
	return conns, opening, err
}

// inParallel does something n times, 16 at a time, until one fails.
func inParallel(n int, do func(i int) error) error {
	group, ctx := errgroup.WithContext(context.Background())
	group.SetLimit(16)
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return do(i) })
	}
	return group.Wait()
}
