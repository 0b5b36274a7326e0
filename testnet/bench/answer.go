package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
)

// The cells that answer, and the protocols of the raw hosts that do.
const (
	CellName  = "bench"
	HelloName = "bench.hello"
)

// Ready is what a far end says when it is.
const Ready = "ready"

// bareSocket, in the home, is the floor of local calls; the same process answers there,
// without cell.
const bareSocket = "bare.sock"

// What the first byte of a call to CellName asks for.
const (
	wantEcho  = 'e' // send back what comes
	wantDrain = 'd' // read to the end, and then send a byte
	wantFlood = 'f' // 8 bytes say how much to send
	wantStall = 's' // read nothing until the caller has left
)

// Answer is the far end of a call to the cell of that name, the same behind every transport.
func Answer(name string, conn Conn) {
	defer conn.Close()
	if name == HelloName {
		conn.Write([]byte{'!'})
		io.Copy(io.Discard, conn)
		conn.CloseWrite()
		return
	}
	buf := make([]byte, 512) // there will be 10,000 of them
	if _, err := io.ReadFull(conn, buf[:1]); err != nil {
		return
	}
	switch buf[0] {
	case wantEcho:
		for {
			n, err := conn.Read(buf)
			if n > 0 {
				if _, err := conn.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				break
			}
		}
	case wantDrain:
		drain(conn)
		conn.Write([]byte{'!'})
	case wantFlood:
		if _, err := io.ReadFull(conn, buf[:8]); err == nil {
			flood(conn, int64(binary.BigEndian.Uint64(buf)))
		}
	case wantStall:
		io.ReadFull(conn, buf[:1])
		conn.Write([]byte{'!'})
		select {} // the process ends with the measurement
	}
	conn.CloseWrite()
}

const block = 128 << 10

func drain(conn Conn) (n int64, err error) {
	buf := make([]byte, block)
	for {
		got, err := conn.Read(buf)
		n += int64(got)
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

func flood(conn Conn, n int64) error {
	buf := make([]byte, block)
	for n > 0 {
		wrote, err := conn.Write(buf[:min(n, block)])
		if n -= int64(wrote); err != nil {
			return err
		}
	}
	return nil
}

// ServeCells answers at the bare socket of the home, and as the cells with what listen
// returns, until ctx ends.
func ServeCells(ctx context.Context, home string, listen func(name string) (net.Listener, error),
	out io.Writer) error {
	bare, err := net.Listen("unix", filepath.Join(home, bareSocket))
	if err != nil {
		return err
	}
	listeners := map[net.Listener]string{bare: CellName}
	for _, name := range []string{CellName, HelloName} {
		l, err := listen(name)
		if err != nil {
			return err
		}
		listeners[l] = name
	}
	var accepting sync.WaitGroup
	for l, name := range listeners {
		accepting.Go(func() {
			defer context.AfterFunc(ctx, func() { l.Close() })()
			for {
				conn, err := l.Accept()
				if errors.Is(err, net.ErrClosed) {
					return
				}
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				go Answer(name, conn.(Conn)) // ends with the process at the latest
			}
		})
	}
	fmt.Fprintln(out, Ready)
	accepting.Wait()
	return nil
}
