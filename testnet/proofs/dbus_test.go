package proofs

import (
	"strings"
	"testing"
)

// A D-Bus daemon takes its socket as systemd hands it over: in mode fd it is a cell, and
// dbus-send speaks to it through a link.
func TestSocketActivation(t *testing.T) {
	t.Parallel()
	daemon, send := need(t, "dbus-daemon", "dbus-daemon"), need(t, "dbus-send", "dbus-bin")
	near, far := pair(t)
	far.dna(t, "bus", daemon, "mode = \"fd\"\nargs = [\"--session\", \"--address=systemd:\", \"--nofork\", \"--nopidfile\", \"--nosyslog\"]\n")
	// as D-Bus addresses are written
	link := strings.Replace(near.cell(t, "link", "bus@far"), "@", "%40", 1)
	ask := func(method string) string {
		return near.run(t, "", send, "--bus=unix:path="+link, "--print-reply",
			"--dest=org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus."+method)
	}
	if got := ask("ListNames"); !strings.Contains(got, `string "org.freedesktop.DBus"`) {
		t.Errorf("the names on the bus are %s", got)
	}
	// One process answers all: it is asked who it is.
	id := func() string { _, answer, _ := strings.Cut(ask("GetId"), "\n"); return answer }
	if first, second := id(), id(); first != second || !strings.Contains(first, "string") {
		t.Errorf("two buses answer: %s and %s", first, second)
	}
	if got := far.cell(t, "ls"); !strings.Contains(got, "fd") || !strings.Contains(got, "process") {
		t.Errorf("cell ls says %s", got)
	}
}
