// Package scenario describes a testnet and what happens in it: who is there, where they live, what lies between them,
// who calls whom, and what goes wrong when. The same description runs in memory, in real or in virtual time, and on
// real kernels.
//
//	spec, err := scenario.Find("nat-mix")
//	spec.Nodes = 100
//	outcome, err := scenario.Run(ctx, spec, scenario.Options{})
//	fmt.Println(outcome.Answered, "of", outcome.Asked)
//
// A description is a value, and a TOML file that people write: Read and Spec.TOML go from one to the other. A Plan is what
// becomes of it: every node, call and event, drawn by the seed, so that the same seed gives the same plan. What chance is
// left is that of the machine that runs it.
package scenario
