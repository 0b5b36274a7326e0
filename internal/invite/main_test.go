package invite

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/internal/peers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func grant(words ...string) peers.Grant {
	return addresstest.Must(words, peers.ParseGrant)
}

var tomorrow = time.Date(2026, 11, 23, 3, 6, 57, 0, time.UTC)
