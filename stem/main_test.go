package stem

import (
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address/addresstest"
)

// The test binary is also the dna of the tests: started by a factory, it is the cell
// whose name it was given.
func TestMain(m *testing.M) {
	if os.Getenv("CELL_STARTED") == "1" {
		os.Exit(beCell(os.Getenv("CELL_NAME")))
	}
	os.Setenv("STEM_TESTS", strconv.Itoa(os.Getpid()))
	// or cells under the race detector take a second to end
	os.Setenv("GORACE", "atexit_sleep_ms=0")
	goleak.VerifyTestMain(m)
}

// patience is for what takes milliseconds, on a machine that has much else to do.
const patience = 20 * time.Second

// eventually waits for what sends no event.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !happened() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("in %v it did not happen that %s", patience, what)
		}
	}
}

var (
	name    = addresstest.Name
	petname = addresstest.Petname
	testID  = addresstest.ID
)
