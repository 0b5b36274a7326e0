package httpcell_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"github.com/cell-mesh/cell/synapse"
	"github.com/cell-mesh/cell/synapse/httpcell"
)

// A cell that serves HTTP, and a client that calls it by its name.
func Example() {
	home, err := os.MkdirTemp("", "cell") // a home of its own; programs leave CELL_HOME as it is
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(home)
	os.Setenv("CELL_HOME", home)

	l, err := synapse.Listen("web")
	if err != nil {
		log.Fatal(err)
	}
	defer l.Close()
	go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s at %s", r.URL.Path, r.Host)
	}))

	cells := httpcell.New()
	defer cells.CloseIdleConnections()
	client := &http.Client{Transport: cells}
	response, err := client.Get("http://web/index.html") // or http://web.laptop/index.html
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	fmt.Println(string(text), err)
	// Output: /index.html at web <nil>
}

// What grpc.WithContextDialer takes:
//
//	grpc.NewClient("passthrough:///greeter@laptop", grpc.WithContextDialer(dial),
//		grpc.WithTransportCredentials(insecure.NewCredentials())) // calls are encrypted already
//
// passthrough hands the address on as it is, instead of looking it up in DNS. On the other side,
// grpc.NewServer().Serve takes what synapse.Listen returns.
func Example_grpc() {
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := synapse.Dial(ctx, address)
		if err != nil {
			return nil, err
		}
		return conn, nil
	}
	var _ func(context.Context, string) (net.Conn, error) = dial
}
