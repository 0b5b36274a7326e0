package stem

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/pipe"
	"github.com/cell-mesh/cell/internal/stemclient"
	"github.com/cell-mesh/cell/internal/wire"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// A stranger can measure time. So a refusal must take the same time for a cell that runs here and
// for one that does not exist.
//
// Both are measured in pairs in random order, so that other load affects both. Without a
// difference, p is below 0.01 in at most one measurement of a hundred. The test fails after three
// such measurements in a row: one false alarm in a million runs. A real difference shows in all
// three; one stat(2) does, and so do 200 ns.
func TestStrangersCannotTellByTime(t *testing.T) {
	stem := timedStem(t)
	var seen []float64
	for range 3 {
		p := compare(t, stem, 10_000, func(s pipe.Stream) pipe.Stream { return s })
		if seen = append(seen, p); p > significant {
			t.Logf("p = %.3f", seen)
			return
		}
	}
	t.Errorf("a stranger can tell an existing cell from a missing one by time: p = %.3g", seen)
}

// The test above can fail: it detects 50 µs with a tenth of the calls.
func TestTimingTestSees50Microseconds(t *testing.T) {
	stem := timedStem(t)
	for range 3 {
		p := compare(t, stem, 1_000, func(s pipe.Stream) pipe.Stream { return &hesitant{s} })
		if p > significant {
			t.Errorf("50 µs were not detected: p = %.3g", p)
		}
	}
}

const (
	significant = 0.01
	existing    = "echo"
	missing     = "nope" // of the same length, or the bytes themselves would take longer
)

// timedStem runs a stem in a home where echo runs. One peer may reach it, strangers may not.
func timedStem(t *testing.T) *Stem {
	t.Helper()
	h := newHome(t, existing)
	write(t, peerFile(h, "laptop"), stemtest.GrantText(2, `"echo"`), 0o600)
	stem, _ := runStem(t, h, nil)
	answer, err := stemclient.Ask(t.Context(), h,
		wire.Request{Verb: wire.Germinate, Object: existing})
	if err != nil {
		t.Fatal(err)
	}
	answer.Conn.Close()
	return stem
}

// hesitant is a stream on which the request for the existing cell takes 50 µs longer.
type hesitant struct{ pipe.Stream }

func (h *hesitant) Read(p []byte) (int, error) {
	n, err := h.Stream.Read(p)
	if strings.Contains(string(p[:n]), existing) {
		for began := time.Now(); time.Since(began) < 50*time.Microsecond; {
		}
	}
	return n, err
}

// compare measures pairs of refusals and returns the p-value of their difference.
func compare(t *testing.T, stem *Stem, pairs int, wrap func(pipe.Stream) pipe.Stream) (p float64) {
	t.Helper()
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // collected below, between measurements
	times := map[string][]float64{}
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for n := range pairs + 100 {
		if n%1000 == 0 {
			runtime.GC()
		}
		pair := []string{existing, missing}
		random.Shuffle(2, func(i, j int) { pair[i], pair[j] = pair[j], pair[i] })
		for _, cell := range pair {
			took := refusalTime(t, stem, cell, wrap)
			if n >= 100 { // the first ones warm up
				times[cell] = append(times[cell], float64(took))
			}
		}
	}
	return mannWhitney(times[existing], times[missing])
}

// refusalTime measures how long a stranger waits for the verdict on a real connection. It returns
// after the call was recorded, so that this does not slow down the next one.
func refusalTime(t *testing.T, stem *Stem, cell string,
	wrap func(pipe.Stream) pipe.Stream) time.Duration {
	t.Helper()
	near, far := socketPair(t)
	defer near.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		stem.serveRemote(t.Context(), testID(9), wrap(pipe.Unix(far)))
	}()
	request, verdict := []byte("open "+cell+"\n"), make([]byte, len("no denied\n"))
	began := time.Now()
	_, err := near.Write(request)
	if err == nil {
		_, err = io.ReadFull(near, verdict)
	}
	took := time.Since(began)
	if err != nil || string(verdict) != "no denied\n" {
		t.Fatalf("%s: %q, %v", cell, verdict, err)
	}
	<-served
	return took
}

func socketPair(t *testing.T) (a, b *net.UnixConn) {
	t.Helper()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]*net.UnixConn
	for i, fd := range fds {
		file := os.NewFile(uintptr(fd), "socketpair")
		conn, err := net.FileConn(file) // a copy, in the poller
		file.Close()
		if err != nil {
			t.Fatal(err)
		}
		ends[i] = conn.(*net.UnixConn)
	}
	return ends[0], ends[1]
}

// mannWhitney returns the two-sided p-value of the Mann–Whitney U test by the normal approximation,
// corrected for ties and continuity.
//
// H. B. Mann and D. R. Whitney, On a Test of Whether one of Two Random Variables is
// Stochastically Larger than the Other, Annals of Mathematical Statistics 18 (1947),
// 50–60; for ties, E. L. Lehmann, Nonparametrics (1975), chapter 1.
func mannWhitney(x, y []float64) (p float64) {
	type value struct {
		v   float64
		ofX bool
	}
	var all []value
	for _, v := range x {
		all = append(all, value{v, true})
	}
	for _, v := range y {
		all = append(all, value{v, false})
	}
	slices.SortFunc(all, func(a, b value) int { return cmp.Compare(a.v, b.v) })
	var ranks, ties float64 // the sum of the ranks of x; the sum of t³-t over the ties
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].v == all[i].v {
			j++
		}
		t := float64(j - i)
		ties += t*t*t - t
		for k := i; k < j; k++ {
			if all[k].ofX {
				ranks += float64(i+1+j) / 2 // ties share their mean rank
			}
		}
		i = j
	}
	m, n := float64(len(x)), float64(len(y))
	u := ranks - m*(m+1)/2
	sigma := math.Sqrt(m * n / 12 * (m + n + 1 - ties/((m+n)*(m+n-1))))
	if sigma == 0 {
		return 1 // all are equal
	}
	z := max(0, math.Abs(u-m*n/2)-0.5) / sigma
	return math.Erfc(z / math.Sqrt2)
}

// mannWhitney is right where the answer is known.
func TestMannWhitney(t *testing.T) {
	many := func(n int, shift float64) (values []float64) {
		for i := range n {
			values = append(values, float64(i)+shift)
		}
		return values
	}
	for _, test := range []struct {
		x, y []float64
		want string
	}{
		// the example of SciPy's mannwhitneyu
		{[]float64{19, 22, 16, 29, 24}, []float64{20, 11, 17, 12}, "0.1113"},
		{[]float64{20, 11, 17, 12}, []float64{19, 22, 16, 29, 24}, "0.1113"},
		// by hand: U = 1, σ² = 3·2/12 · (6 - 24/20)
		{[]float64{1, 2, 2}, []float64{2, 3}, "0.3329"},
		{[]float64{5, 5, 5}, []float64{5, 5}, "1.0000"},
		{many(100, 0), many(100, 0), "1.0000"},
		{many(100, 0), many(100, 1000), "0.0000"},
	} {
		if got := fmt.Sprintf("%.4f", mannWhitney(test.x, test.y)); got != test.want {
			t.Errorf("%v and %v: p = %s, want %s", test.x, test.y, got, test.want)
		}
	}
}
