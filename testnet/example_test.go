package testnet_test

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/cell-mesh/cell/testnet"
	"github.com/cell-mesh/cell/testnet/internet"
	"github.com/cell-mesh/cell/testnet/natlab"
)

// Two stems behind the routers of two homes, and a third that both begin with: the first
// bytes go through it, until the routers let the two speak with each other.
func Example() {
	net, err := testnet.New(testnet.Config{Link: internet.Link{Delay: 5 * time.Millisecond}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer net.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	for _, cfg := range []testnet.NodeConfig{
		{Name: "server"},
		{Name: "anna", Place: testnet.Place{Kind: natlab.EIM}},
		{Name: "ben", Place: testnet.Place{Kind: natlab.Symmetric}, Cells: map[string]testnet.Cell{
			"greet": func(_ context.Context, call io.ReadWriter) error {
				name, err := io.ReadAll(call)
				fmt.Fprintf(call, "hello, %s", name)
				return err
			},
		}},
	} {
		node, err := net.Add(cfg)
		if err == nil {
			err = node.Joined(ctx)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	result := net.Node("anna").Call(ctx, "greet@ben", "anna")
	fmt.Println(result.Route, result.Err)
	fmt.Println(net.Node("anna").Ask(ctx, "greet@ben", "anna"))
	// Output:
	// relayed quic <nil>
	// hello, anna <nil>
}

// A line is cut and healed: meanwhile the two don't reach each other, and a call fails or
// waits for as long as it may.
func ExampleNet_Cut() {
	net, err := testnet.New(testnet.Config{Link: internet.Link{Delay: 5 * time.Millisecond}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer net.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for _, name := range []string{"anna", "ben"} {
		node, err := net.Add(testnet.NodeConfig{Name: name})
		if err == nil {
			err = node.Joined(ctx)
		}
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	anna, ben := net.Node("anna"), net.Node("ben")
	call := func() {
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		answer, err := anna.Ask(ctx, "echo@ben", "hello")
		fmt.Printf("%q, failed: %v\n", answer, err != nil)
	}
	call()
	heal := net.Cut(anna, ben)
	call()
	heal()
	call()
	// Output:
	// "hello", failed: false
	// "", failed: true
	// "hello", failed: false
}
