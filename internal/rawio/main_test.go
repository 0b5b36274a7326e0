package rawio

import (
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	enabled = true // these tests are about the raw calls, whatever the environment says
	goleak.VerifyTestMain(m)
}
