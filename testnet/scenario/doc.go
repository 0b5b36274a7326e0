// Package scenario describes a testnet and what happens in it: who is there, where they
// live, what lies between them, who calls whom, and what goes wrong when. The same
// description runs in memory, in real or in virtual time, and on real kernels.
//
//	spec, err := scenario.Find("nat-mix")
//	spec.Nodes = 100
//	outcome, err := scenario.Run(ctx, spec, scenario.Options{})
//	fmt.Println(outcome.Summary().Answered, "of", outcome.Summary().Asked)
//
// In a test it takes no longer than what there is to do in it, and its times are right on
// however busy a machine:
//
//	synctest.Test(t, func(t *testing.T) {
//		outcome, err := scenario.Run(t.Context(), spec, scenario.Options{})
//	})
//
// Three values follow from each other. A Spec is the description, and a TOML file that
// people write: Read and Spec.TOML go from one to the other. A Plan is what becomes of
// it: every node, call and event, drawn by the seed, so that the same seed gives the same
// plan. An Outcome is what came of that, and its Summary is the figures. What chance is
// left is that of the machine that runs it.
//
//	Spec      spec.go; text.go, read.go: as a file; check.go, fault.go: what is wrong with it; resize.go; shipped/
//	Plan      plan.go; place.go: nodes; happen.go: events
//	Run       run.go; join.go, progress.go, late.go, trouble.go: what the steps have done
//	network   network.go says what a plan runs on: sim.go, simdo.go in memory; real…_linux.go on the kernel's networks
//	Outcome   outcome.go; summary.go, failure.go: in figures
package scenario
