package rawio

import (
	"encoding/binary"
	"net"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sockaddr is an address in the kernel's format. An IPv4 address fills only the beginning.
type sockaddr unix.RawSockaddrInet6

func (a *sockaddr) raw() *byte { return (*byte)(unsafe.Pointer(a)) }
func (a *sockaddr) inet4() *unix.RawSockaddrInet4 {
	return (*unix.RawSockaddrInet4)(unsafe.Pointer(a))
}
func (a *sockaddr) port() (inNetworkOrder *[2]byte) { return (*[2]byte)(unsafe.Pointer(&a.Port)) }

// set stores the address of a peer, for a socket that is bound to local, and returns its
// length. It returns 0 for what is left to package net: an address in a zone, or of
// another IP version than the socket's.
func (a *sockaddr) set(peer, local *net.UDPAddr) (size uint32) {
	if peer == nil || peer.Zone != "" {
		return 0
	}
	four, socket := peer.IP.To4(), local.IP.To4()
	switch {
	case four != nil && socket != nil:
		a.Family = unix.AF_INET
		copy(a.inet4().Addr[:], four)
		size = unix.SizeofSockaddrInet4
	case four == nil && socket == nil && len(peer.IP) == net.IPv6len:
		*a = sockaddr{Family: unix.AF_INET6}
		copy(a.Addr[:], peer.IP)
		size = unix.SizeofSockaddrInet6
	}
	binary.BigEndian.PutUint16(a.port()[:], uint16(peer.Port))
	return size
}

func (a *sockaddr) get(names *zones) *net.UDPAddr {
	addr := &net.UDPAddr{Port: int(binary.BigEndian.Uint16(a.port()[:]))}
	if a.Family == unix.AF_INET {
		four := a.inet4().Addr
		addr.IP = four[:]
		return addr
	}
	six := a.Addr
	addr.IP, addr.Zone = six[:], names.of(a.Scope_id)
	return addr
}

// zones caches the names of interfaces for a minute.
type zones struct {
	names map[uint32]string
	asked time.Time
}

func (z *zones) of(index uint32) string {
	if index == 0 {
		return ""
	}
	if now := time.Now(); z.names == nil || now.Sub(z.asked) > time.Minute {
		z.names, z.asked = map[uint32]string{}, now
	}
	name, ok := z.names[index]
	if !ok {
		name = strconv.Itoa(int(index))
		if i, err := net.InterfaceByIndex(int(index)); err == nil {
			name = i.Name
		}
		z.names[index] = name
	}
	return name
}
