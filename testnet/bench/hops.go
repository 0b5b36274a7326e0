package bench

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"unsafe"
)

// hops measures the cost of two processes in between that only copy. A call through two stems
// can't cost less.
func (l *lab) hops(home string) error {
	to := filepath.Join(home, bareSocket)
	for i := range 2 {
		from := filepath.Join(l.dir, fmt.Sprintf("copy%d.sock", i))
		if _, err := l.serve("copy", home, "BENCH_FROM="+from, "BENCH_TO="+to); err != nil {
			return err
		}
		to = from
	}
	dial := func(path string) (Conn, error) {
		return net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	}
	bare, err := dial(filepath.Join(home, bareSocket))
	if err != nil {
		return err
	}
	defer bare.Close()
	through, err := dial(to)
	if err != nil {
		return err
	}
	defer through.Close()
	if err := errors.Join(echo(bare), echo(through)); err != nil {
		return err
	}
	floor, got, err := inTurns(l.times(60), l.times(50),
		func() error { return roundTrip(bare) },
		func() error { return roundTrip(through) })
	if err != nil {
		return err
	}
	l.addTime("two processes in between that only copy: 64 bytes there and back", floor, got, 0, 0)
	return nil
}

// ServeCopy copies between a connection to the socket $BENCH_FROM and one to $BENCH_TO. Like a
// C program, it blocks in system calls, unknown to the Go scheduler.
func ServeCopy(out io.Writer) error {
	listener, err := socketAt(os.Getenv("BENCH_FROM"), syscall.Bind)
	if err != nil {
		return err
	}
	if err := syscall.Listen(listener, 1); err != nil {
		return err
	}
	fmt.Fprintln(out, Ready)
	near, _, err := syscall.Accept(listener)
	if err != nil {
		return err
	}
	far, err := socketAt(os.Getenv("BENCH_TO"), syscall.Connect)
	if err != nil {
		return err
	}
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 2) // the blocked threads keep two
	var both sync.WaitGroup
	for from, to := range map[int]int{near: far, far: near} {
		both.Go(func() {
			buf := make([]byte, 16<<10)
			for {
				n, err := rawCall(syscall.SYS_READ, from, buf)
				if err == syscall.EINTR {
					continue
				}
				if err != 0 || n == 0 {
					break
				}
				if _, err := rawCall(syscall.SYS_WRITE, to, buf[:n]); err != 0 {
					break
				}
			}
			syscall.Shutdown(to, syscall.SHUT_WR)
		})
	}
	both.Wait()
	return nil
}

func rawCall(call uintptr, fd int, buf []byte) (int, syscall.Errno) {
	n, _, err := syscall.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(&buf[0])),
		uintptr(len(buf)))
	return int(n), err
}

func socketAt(path string, do func(int, syscall.Sockaddr) error) (int, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, err
	}
	return fd, do(fd, &syscall.SockaddrUnix{Name: path})
}
