package rawio

import (
	"syscall"
	"testing"
)

// Of reads that find something each time, some are told, so that somebody looks at the
// network; those that wait in between need it not.
func TestReadsAreToldWhereNoneWaits(t *testing.T) {
	ends, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range ends {
		defer syscall.Close(end)
		syscall.SetNonblock(end, true)
	}
	var r Reads
	read := func(want error) {
		t.Helper()
		var b [1]byte
		if _, err := r.Read(uintptr(ends[0]), b[:]); err != want {
			t.Fatalf("read: %v, want %v", err, want)
		}
	}
	if _, err := syscall.Write(ends[1], make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	told := 0
	for range 1000 {
		read(nil)
		if r.found == 0 {
			told++
		}
	}
	if told != 1000/256 {
		t.Errorf("of 1000 reads %d were told, want %d", told, 1000/256)
	}
	read(syscall.EAGAIN)
	if r.found != 0 {
		t.Errorf("after a read that found nothing, %d have found something", r.found)
	}
}
