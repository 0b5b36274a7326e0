package stem

import (
	"encoding/base32"
	"encoding/binary"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/address"
)

// The test binary is also the dna of the tests: started by a factory, it is the cell whose name it was given.
func TestMain(m *testing.M) {
	if os.Getenv("CELL_STARTED") == "1" {
		os.Exit(beCell(os.Getenv("CELL_NAME")))
	}
	os.Setenv("STEM_TESTS", strconv.Itoa(os.Getpid()))
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or cells under the race detector take a second to end
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

// testID returns one peer ID for each n: an Ed25519 key that is n and otherwise zeros, in its CID form.
func testID(n int) address.ID {
	cid := make([]byte, 40)
	copy(cid, []byte{1, 0x72, 0x00, 36, 0x08, 1, 0x12, 32})
	binary.BigEndian.PutUint64(cid[32:], uint64(n))
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(cid)
	id, err := address.ParseID("b" + strings.ToLower(text))
	if err != nil {
		panic(err)
	}
	return id
}

func name(text string) address.Name {
	n, err := address.ParseName(text)
	if err != nil {
		panic(err)
	}
	return n
}

func petname(text string) address.Petname {
	n, err := address.ParsePetname(text)
	if err != nil {
		panic(err)
	}
	return n
}
