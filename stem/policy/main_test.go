package policy

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address/addresstest"
	"github.com/cell-mesh/cell/stem/stemtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	name       = addresstest.Name
	petname    = addresstest.Petname
	testID     = addresstest.ID
	write      = stemtest.Write
	eventually = stemtest.Eventually
)
