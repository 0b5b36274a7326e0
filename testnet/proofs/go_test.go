package proofs

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/cell-mesh/cell/synapse"
	"github.com/cell-mesh/cell/synapse/httpcell"
)

// goPrograms are what the test binary is when it is called so; each is given the
// arguments behind its name.
var goPrograms = map[string]func(args []string) error{
	"go-cell": func(args []string) error {
		l, err := synapse.Listen(args[1])
		if err != nil {
			return err
		}
		for {
			conn, err := l.Accept()
			if err != nil {
				return err
			}
			words, _ := io.ReadAll(conn)
			fmt.Fprintf(conn, "go(%s)", words)
			conn.Close()
		}
	},
	"go-call": func(args []string) error {
		conn, err := synapse.Dial(context.Background(), args[0])
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := io.Copy(conn, os.Stdin); err != nil {
			return err
		}
		conn.CloseWrite()
		_, err = io.Copy(os.Stdout, conn)
		return err
	},
	"serve-http": func(args []string) error {
		l, err := synapse.Listen(args[1])
		if err != nil {
			return err
		}
		return http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprintf(w, "%s %s at %s with %d bytes", r.Method, r.URL, r.Host, n)
		}))
	},
	"get": func(args []string) error {
		client := &http.Client{Transport: httpcell.New(), Timeout: 30 * time.Second}
		// the second one on the same connection
		for _, body := range []string{"", strings.Repeat("x", 5<<20)} {
			response, err := client.Post(args[0], "text/plain", strings.NewReader(body))
			if err != nil {
				return err
			}
			_, err = io.Copy(os.Stdout, response.Body)
			response.Body.Close()
			if err != nil {
				return err
			}
			fmt.Println()
		}
		return nil
	},
	"serve-grpc": func(args []string) error {
		l, err := synapse.Listen(args[1])
		if err != nil {
			return err
		}
		server, status := grpc.NewServer(), health.NewServer()
		grpc_health_v1.RegisterHealthServer(server, status)
		status.SetServingStatus("retina", grpc_health_v1.HealthCheckResponse_SERVING)
		go func() { // until the process is ended
			for range time.Tick(20 * time.Millisecond) {
				status.SetServingStatus("blinking", grpc_health_v1.HealthCheckResponse_SERVING)
				status.SetServingStatus("blinking", grpc_health_v1.HealthCheckResponse_NOT_SERVING)
			}
		}()
		return server.Serve(l)
	},
	"call-grpc": func(args []string) error {
		dial := func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := synapse.Dial(ctx, address)
			if err != nil {
				// and no *synapse.Conn that is nil, which would not be a nil net.Conn
				return nil, err
			}
			return conn, nil
		}
		conn, err := grpc.NewClient("passthrough:///"+args[0], grpc.WithContextDialer(dial),
			grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		defer conn.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		client := grpc_health_v1.NewHealthClient(conn)
		answer, err := client.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: "retina"})
		if err != nil {
			return err
		}
		fmt.Println(answer.Status)
		stream, err := client.Watch(ctx, &grpc_health_v1.HealthCheckRequest{Service: "blinking"})
		if err != nil {
			return err
		}
		for range 5 {
			if _, err := stream.Recv(); err != nil {
				return err
			}
		}
		fmt.Println("five changes")
		return nil
	},
}

// goDNA makes one of the Go programs a cell, which binds its socket itself.
func (s *stem) goDNA(t *testing.T, name, program string) {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	s.dna(t, name, fmt.Sprintf("#!/bin/sh\nexec %s %s \"$@\"\n", self, program), "")
}

// goRun runs one of the Go programs in a stem's home.
func (s *stem) goRun(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	return s.try(t, input, append([]string{self}, args...)...)
}

// An http.Client with httpcell calls an HTTP server that is a cell of another machine, by
// the name of both.
func TestHTTPCell(t *testing.T) {
	t.Parallel()
	near, far := pair(t)
	far.goDNA(t, "web", "serve-http")
	want := "POST /a?b=c at web.far with 0 bytes\nPOST /a?b=c at web.far with 5242880 bytes\n"
	if got, err := near.goRun(t, "", "get", "http://web.far/a?b=c"); got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if got, err := near.goRun(t, "", "get", "http://other.far/"); err == nil ||
		!strings.Contains(err.Error(), "denied: that machine does not let this one reach other") {
		t.Errorf("a cell that may not be reached answers %q, %v", got, err)
	}
}

// grpc-go takes synapse.Dial for its dialer, and serves on what synapse.Listen returns: a
// call and a stream of answers.
func TestGRPC(t *testing.T) {
	t.Parallel()
	near, far := pair(t)
	far.goDNA(t, "health", "serve-grpc")
	if got, err := near.goRun(t, "", "call-grpc", "health@far"); got != "SERVING\nfive changes\n" ||
		err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}
