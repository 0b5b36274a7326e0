package stem

import (
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/stem/gate"
	"github.com/cell-mesh/cell/stem/stemtest"
)

func TestMain(m *testing.M) { stemtest.Main(m) }

const patience = stemtest.Patience

var (
	name        = addresstest.Name
	petname     = addresstest.Petname
	testID      = addresstest.ID
	newHome     = stemtest.Home
	write       = stemtest.Write
	eventually  = stemtest.Eventually
	wantRefusal = stemtest.WantRefusal
	wantStarts  = stemtest.WantStarts
	exchange    = stemtest.Exchange
	peerFile    = stemtest.PeerFile
	discard     = stemtest.Discard
)

func may(p Policy, n int, cell string) bool {
	return gate.Allow(p.Rules(), gate.Caller{Peer: testID(n)}, name(cell), "", noon)
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
