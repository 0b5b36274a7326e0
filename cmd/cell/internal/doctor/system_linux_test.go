package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

func TestUDPBuffers(t *testing.T) {
	sizes := map[string]int{"rmem_max": wantedBuffer, "wmem_max": wantedBuffer}
	read := func(name string) (int, error) { return sizes[name], nil }
	want(t, udpBuffers(read), "UDP buffers", OK, "7340032")
	sizes["rmem_max"] = 212992
	checks := udpBuffers(read)
	want(t, checks, "UDP buffers", Note, "net.core.rmem_max is 212992")
	if got := checks[0].Remedy; got != "sudo sysctl -w net.core.rmem_max=7340032" {
		t.Errorf("the remedy is %q", got)
	}
	if got := udpBuffers(func(string) (int, error) { return 0, errors.New("no") }); len(got) > 0 {
		t.Errorf("without the sysctl: %+v", got)
	}
}

// Lingering matters only if the stem is a user unit.
func TestLinger(t *testing.T) {
	config, lingering := t.TempDir(), t.TempDir()
	units := filepath.Join(config, "systemd", "user")
	if err := os.MkdirAll(units, 0o700); err != nil {
		t.Fatal(err)
	}
	hometest.Write(t, filepath.Join(units, "other.service"),
		"[Service]\nExecStart=/usr/bin/other up\n")
	hometest.Write(t, filepath.Join(units, "mail.service"),
		"[Service]\nExecStart=/usr/bin/cell status\n")
	if got := Linger(config, lingering, "ann"); len(got) > 0 {
		t.Errorf("without a unit: %+v", got)
	}
	hometest.Write(t, filepath.Join(units, "stem.service"),
		"[Service]\n  ExecStart=/home/ann/bin/cell up --mesh home\n")
	want(t, Linger(config, lingering, "ann"), "lingering", Note, "systemd stops stem.service")
	hometest.Write(t, filepath.Join(lingering, "ann"), "")
	want(t, Linger(config, lingering, "ann"), "lingering", OK, "stem.service keeps running")
}
