//go:build linux

package natlab

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openTUN makes a network device on the machine and returns its other end: each read returns
// a packet that the machine sent, and each write is a packet that it receives. Closing the
// file removes the device.
func (m *machine) openTUN(device string) (file *os.File, err error) {
	err = m.Do(func() error {
		request, err := unix.NewIfreq(device)
		if err != nil {
			return err
		}
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return os.NewSyscallError("open /dev/net/tun", err)
		}
		if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
			unix.Close(fd)
			return os.NewSyscallError("ioctl TUNSETIFF", err)
		}
		// Only now: the Go runtime starts to poll the file, which fails before TUNSETIFF.
		file = os.NewFile(uintptr(fd), device)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("make device %s of %s: %w", device, m.name, err)
	}
	if err := m.namespace.ip(fmt.Sprintf("link set %s txqueuelen %d", device,
		queueLen)); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}
