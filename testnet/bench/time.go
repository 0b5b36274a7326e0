package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// inTurns runs one and other in turns, each times in a row, and returns how long they took.
func inTurns(turns, each int, one, other func() error) (ones, others []time.Duration, err error) {
	for range turns {
		for range each {
			if ones, err = timed(ones, one); err != nil {
				return nil, nil, fmt.Errorf("floor: %w", err)
			}
		}
		for range each {
			if others, err = timed(others, other); err != nil {
				return nil, nil, err
			}
		}
	}
	return ones, others, nil
}

func timed(list []time.Duration, f func() error) ([]time.Duration, error) {
	began := time.Now()
	err := f()
	return append(list, time.Since(began)), err
}

// percentile returns the p-th percentile.
func percentile(list []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[(len(sorted)-1)*p/100]
}

func median(list []time.Duration) time.Duration { return percentile(list, 50) }

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }

func rate(bytes int64, d time.Duration) float64 { return float64(bytes) / (1 << 20) / d.Seconds() }

var errShort = errors.New("bytes are missing")

// echo makes the far end echo from now on.
func echo(conn Conn) error {
	_, err := conn.Write([]byte{wantEcho})
	return err
}

// roundTrip sends 64 bytes and waits for them.
func roundTrip(conn Conn) error {
	var buf [64]byte
	if _, err := conn.Write(buf[:]); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, buf[:])
	return err
}

// echoed makes CellName echo 64 bytes.
var echoed = [65]byte{wantEcho}

// call makes a whole call: it writes 64 bytes and reads them back.
func call(conn Conn, err error) error {
	if err != nil {
		return err
	}
	if _, err := conn.Write(echoed[:]); err != nil {
		conn.Close()
		return err
	}
	return answered(conn, nil)
}

// answered reads the 64 bytes and closes the connection.
func answered(conn Conn, err error) error {
	if err != nil {
		return err
	}
	defer conn.Close()
	var buf [64]byte
	_, err = io.ReadFull(conn, buf[:])
	return err
}

// hello reads the first byte of a far end that speaks first, and closes the connection.
func hello(conn Conn, err error) error {
	if err != nil {
		return err
	}
	var buf [1]byte
	if _, err := io.ReadFull(conn, buf[:]); err != nil {
		conn.Close()
		return err
	}
	return conn.Close()
}

// upload sends n bytes and waits until the far end has read all.
func upload(conn Conn, err error, n int64) error {
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write([]byte{wantDrain}); err != nil {
		return err
	}
	if err := flood(conn, n); err != nil {
		return err
	}
	if err := conn.CloseWrite(); err != nil {
		return err
	}
	var buf [1]byte
	_, err = io.ReadFull(conn, buf[:])
	return err
}

// download makes the far end send n bytes, and reads them.
func download(conn Conn, err error, n int64) error {
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.Write(binary.BigEndian.AppendUint64([]byte{wantFlood},
		uint64(n))); err != nil {
		return err
	}
	got, err := drain(conn)
	if err == nil && got != n {
		err = errShort
	}
	return err
}
