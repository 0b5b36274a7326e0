package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/cell-mesh/cell/internal/socket"
)

// cold measures a call that starts its cell. The floor starts the same executable directly.
func (l *lab) cold() error {
	m, err := l.stem("a")
	if err != nil {
		return err
	}
	if err := l.Build(l.ctx, m.Home); err != nil {
		return err
	}
	hand := filepath.Join(l.dir, "hand")
	if err := os.MkdirAll(filepath.Join(hand, "run"), 0o700); err != nil {
		return err
	}
	var started *os.Process
	var floor, got []time.Duration
	for range l.times(60) {
		if floor, err = timed(floor, func() (err error) {
			started, err = startByHand(filepath.Join(m.Home, "dna", "echo"), hand)
			return err
		}); err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		started.Kill()
		started.Wait()
		if got, err = timed(got, func() error {
			conn, err := l.dial(m.Home, "echo")
			return firstByte(conn, err)
		}); err != nil {
			return err
		}
		if err := m.StopCells(); err != nil {
			return err
		}
	}
	l.addTime("cold: dial to first byte, the cell not running", floor, got, 1.25,
		2*time.Millisecond)
	return nil
}

// firstByte sends one byte and waits for it to come back.
func firstByte(conn Conn, err error) error {
	if err != nil {
		return err
	}
	defer conn.Close()
	var buf [1]byte
	if _, err := conn.Write(buf[:]); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, buf[:])
	return err
}

// startByHand does the least that it takes to start a cell and call it.
func startByHand(program, home string) (*os.Process, error) {
	path := filepath.Join(home, "run", "echo.sock")
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	process, err := os.StartProcess(program, []string{program, "--name", "echo"}, &os.ProcAttr{
		// The first value of a variable counts.
		Env: append([]string{"CELL_HOME=" + home, "CELL_NAME=echo", "CELL_SOCKET=" + path,
			"CELL_STARTED=1"}, os.Environ()...),
		Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return nil, err
	}
	for began := time.Now(); ; {
		conn, err := socket.Dial(context.Background(), path)
		if err == nil {
			return process, firstByte(conn, nil)
		}
		if !socket.Missing(err) || time.Since(began) > 10*time.Second {
			process.Kill()
			process.Wait()
			return nil, err
		}
		time.Sleep(50 * time.Microsecond)
	}
}
