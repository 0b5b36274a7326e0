package bench

import (
	"errors"
	"os"
	"time"
)

// stallBound is how much a bridge may buffer for a reader that does not read: libp2p's window
// for a QUIC stream, and some more for sockets.
const stallBound = 12 // MiB

// stall measures how much a call buffers when its reader has stopped, and what that costs
// the stems.
func (l *lab) stall() error {
	here, there, err := l.pair("quic-v1", nil)
	if err != nil {
		return err
	}
	if _, err := l.serveCells(there.Home); err != nil {
		return err
	}
	conn, err := l.dial(here.Home, CellName+"@"+there.ID)
	if err != nil {
		return err
	}
	defer conn.Close()
	before, err := memory(here.PID(), there.PID())
	if err != nil {
		return err
	}
	if _, err := conn.Write([]byte{wantStall}); err != nil {
		return err
	}
	sent := 0
	buf := make([]byte, block)
	for sent < 256<<20 {
		conn.SetDeadline(time.Now().Add(l.patience()))
		n, err := conn.Write(buf)
		sent += n
		if errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
		if err != nil {
			return err
		}
	}
	after, err := memory(here.PID(), there.PID())
	if err != nil {
		return err
	}
	got := float64(sent) / (1 << 20)
	l.add(Row{What: "quic: taken from a sender whose reader has stopped", Got: got, Unit: "MiB",
		Target: "≤ 12", Reached: got <= stallBound})
	for i, who := range []string{"caller's", "cell's"} {
		l.add(Row{What: "quic: memory that this takes, the " + who + " stem",
			Got: float64(after[i]-before[i]) / (1 << 20), Unit: "MiB",
			Target: "≤ 24", Reached: after[i]-before[i] <= 2*stallBound<<20})
	}
	return nil
}

// patience is how long a write may block before the sender counts as stopped.
func (l *lab) patience() time.Duration {
	if l.Quick {
		return 500 * time.Millisecond
	}
	return 2 * time.Second
}
