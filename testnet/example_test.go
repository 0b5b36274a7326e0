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

// Two stems behind the routers of two homes, and a third that both begin with: the first bytes go through it, until the
// routers let the two speak with each other.
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
