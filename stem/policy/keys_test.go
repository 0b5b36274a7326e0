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

// A revoked key is refused after a Reread, and soon after an edit by hand. While the list is
// unreadable, every key is refused.
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
		t.Error("the key is refused")
	}
	if err := capability.Revoke(t.Context(), h, serial); err != nil {
		t.Fatal(err)
	}
	if f.Reread(); opens() {
		t.Error("the revoked key is accepted")
	}
	write(t, h.Revoked(), "serials = []\n", 0o600)
	if f.Reread(); !opens() {
		t.Error("the key that is no longer revoked is refused")
	}
	write(t, h.Revoked(), "serials = [\n", 0o600)
	if f.Reread(); opens() || len(f.Rules().Problems) != 1 {
		t.Errorf("with an unreadable list, accepted: %v; problems: %v", opens(), f.Rules().Problems)
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
	for range 2 { // the first time it may be the Reread at the start of Run
		write(t, h.Revoked(), "serials = ['"+strings.ToUpper(serial)+"']\n", 0o600)
		eventually(t, "an edit by hand revokes the key", func() bool { return !opens() })
		write(t, h.Revoked(), "serials = []\n", 0o600)
		eventually(t, "an edit by hand restores the key", opens)
	}
}
