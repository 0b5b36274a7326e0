package scenario_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cell-mesh/cell/testnet/natlab"
	"github.com/cell-mesh/cell/testnet/scenario"
)

// A description as a value, which runs in real time: a laptop at home calls a server five times.
func ExampleRun() {
	spec := scenario.Spec{
		Duration: scenario.Duration{Duration: time.Second},
		Groups: []scenario.Group{
			{Name: "server", Count: 1},
			{Name: "laptop", Count: 1, Place: scenario.Place{Kind: natlab.EIM}},
		},
		Loads: []scenario.Load{{
			From: []string{"laptop"}, To: []string{"server"},
			Every: scenario.Duration{Duration: 100 * time.Millisecond}, Calls: 5,
		}},
	}
	outcome, err := scenario.Run(context.Background(), spec, scenario.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s := outcome.Summary()
	fmt.Println(s.Answered, "of", s.Asked, "answered,", s.Direct, "directly")
	// Output: 5 of 5 answered, 5 directly
}

// What the package comment says of virtual time: the minute and a half of this scenario
// takes about a second.
func TestVirtually(t *testing.T) {
	spec, err := scenario.Find("partition")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		outcome, err := scenario.Run(t.Context(), spec, scenario.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := outcome.Summary()
		if s.Answered == 0 || s.Answered == s.Asked || s.Late != 0 {
			t.Errorf("%d of %d calls are answered, some of them while the cable is broken",
				s.Answered, s.Asked)
		}
		if took := time.Since(began); took < 90*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}
