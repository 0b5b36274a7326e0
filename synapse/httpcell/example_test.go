package httpcell_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/cell-mesh/cell/synapse"
	"github.com/cell-mesh/cell/synapse/httpcell"
)

// A cell that serves HTTP, and a client that calls it by its name.
func Example() {
	home, err := os.MkdirTemp("", "cell") // for this example only; programs leave CELL_HOME alone
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

// gRPC works without a package like this one: grpc-go dials with synapse.Dial and serves on
// the listener of synapse.Listen. Calls are already encrypted, so gRPC's insecure
// credentials are fine.
func Example_grpc() {
	home, err := os.MkdirTemp("", "cell") // for this example only; programs leave CELL_HOME alone
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(home)
	os.Setenv("CELL_HOME", home)

	l, err := synapse.Listen("greeter")
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer()) // or a service of your own
	go server.Serve(l)
	defer server.Stop()

	dial := func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := synapse.Dial(ctx, address)
		if err != nil {
			return nil, err // returning conn would make a net.Conn that is not nil
		}
		return conn, nil
	}
	// or greeter@laptop; passthrough keeps it out of DNS
	client, err := grpc.NewClient("passthrough:///greeter",
		grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	answer, err := grpc_health_v1.NewHealthClient(client).Check(context.Background(),
		&grpc_health_v1.HealthCheckRequest{})
	fmt.Println(answer.GetStatus(), err)
	// Output: SERVING <nil>
}
