package gate

import "github.com/cell-mesh/cell/internal/address/addresstest"

var (
	name   = addresstest.Name
	testID = addresstest.ID
)
