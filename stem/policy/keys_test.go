package policy

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/capability"
	"github.com/cell-mesh/cell/stem/gate"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// A key that was taken back opens nothing as soon as the stem has been told, and after an
// edit by hand soon. While the list of them can't be read, none opens anything: it might
// be one of them.
func TestRevokedKeys(t *testing.T) {
	self := stemtest.NewIssuer(1)
	const serial = "0123456789abcdef"
	h := stemtest.Home(t)
	f := New(h, self.ID, stemtest.Discard)
	key := self.Key(serial, "retina", address.ID{}, time.Now().Add(time.Hour))
	opens := func() bool {
		return gate.Allow(f.Rules(), gate.Caller{Peer: testID(9)}, name("retina"), key, time.Now())
	}
	if !opens() {
		t.Error("it does not open")
	}
	if err := capability.Revoke(t.Context(), h, serial); err != nil {
		t.Fatal(err)
	}
	if f.Reread(); opens() {
		t.Error("it was taken back, and opens")
	}
	write(t, h.Revoked(), "serials = []\n", 0o600)
	if f.Reread(); !opens() {
		t.Error("it was given back, and does not open")
	}
	write(t, h.Revoked(), "serials = [\n", 0o600)
	if f.Reread(); opens() || len(f.Rules().Problems) != 1 {
		t.Errorf("the list is torn, and it opens: %v; problems: %v", opens(), f.Rules().Problems)
	}
	if err := os.Remove(h.Revoked()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- f.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for range 2 { // the first time, it may just be that Run begins by reading
		write(t, h.Revoked(), "serials = ['"+strings.ToUpper(serial)+"']\n", 0o600)
		eventually(t, "an edit by hand takes it back", func() bool { return !opens() })
		write(t, h.Revoked(), "serials = []\n", 0o600)
		eventually(t, "an edit by hand gives it back", opens)
	}
}
