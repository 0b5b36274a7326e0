//go:build linux

package natlab

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// openTUN makes a network device on the machine whose far end is the file: what the
// machine sends is read from it, a packet a read, and what is written to it the machine
// receives. The device goes when the file is closed.
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
		// Only now, since the Go runtime would poll it at once, and before it is a device
		// there is nothing to wait for.
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
