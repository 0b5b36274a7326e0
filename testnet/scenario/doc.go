// Package scenario describes a testnet and what happens in it: the nodes, where they live,
// the links between them, who calls whom, and what goes wrong when. The same description
// runs in memory, in real or virtual time, and on real kernel networks.
//
//	spec, err := scenario.Find("nat-mix")
//	spec.Nodes = 100
//	outcome, err := scenario.Run(ctx, spec, scenario.Options{})
//	fmt.Println(outcome.Summary().Answered, "of", outcome.Summary().Asked)
//
// In a testing/synctest bubble a test takes no longer than its CPU time, and measured times
// are right even under heavy load:
//
//	synctest.Test(t, func(t *testing.T) {
//		outcome, err := scenario.Run(t.Context(), spec, scenario.Options{})
//	})
//
// There are three steps. A Spec is the description; Parse reads it from TOML and Spec.TOML
// writes it. A Plan has every node, call and event, drawn with the Spec's seed: the same
// seed gives the same plan. An Outcome is the result of a run, and its Summary has the
// figures. Two runs of a plan differ only by what goroutines and real time leave open.
//
//	Spec      spec.go; values.go, parse.go: TOML; check.go, fault.go: errors; resize.go; shipped/
//	Plan      plan.go; plan_nodes.go, plan_events.go
//	Run       run.go; join.go, step.go, undo.go, progress.go, lateness.go, process.go
//	network   network.go: what a plan runs on; simulated.go: memory; real…: kernel namespaces
//	Outcome   outcome.go; summary.go, failures.go
package scenario
