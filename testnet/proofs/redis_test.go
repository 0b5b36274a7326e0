package proofs

import (
	"bufio"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// A redis server is a cell by "cell expose", and its own client calls it at a port of
// another machine.
func TestRedis(t *testing.T) {
	t.Parallel()
	server, client := need(t, "redis-server", "redis-server"), need(t, "redis-cli", "redis-tools")
	near, far := pair(t)
	socket := filepath.Join(far.Home, "redis.sock")
	says := bufio.NewScanner(daemon(t, far.Home, server, "--port", "0", "--unixsocket", socket,
		"--save", "", "--appendonly", "no", "--daemonize", "no"))
	for says.Scan() && !strings.Contains(says.Text(), "ready to accept connections") {
	}
	check(t, says.Err())
	far.cell(t, "expose", "redis", "unix:"+socket)
	far.allow(t, "redis")
	host, port, err := net.SplitHostPort(near.cell(t, "forward", "redis@far"))
	check(t, err)
	redis := func(input string, args ...string) string {
		return strings.TrimSpace(near.run(t, input,
			append([]string{client, "-h", host, "-p", port}, args...)...))
	}
	if got := redis("", "PING"); got != "PONG" {
		t.Errorf("it answers %q", got)
	}
	large := strings.Repeat("x", 5<<20)
	if got := redis(large, "-x", "SET", "large"); got != "OK" {
		t.Errorf("5 MiB are answered by %q", got)
	}
	if got := redis("", "GET", "large"); got != large {
		t.Errorf("%d bytes come back", len(got))
	}
	var many strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&many, "SET key:%d %d\r\n", i, i)
	}
	if got := redis(many.String(), "--pipe"); !strings.Contains(got, "errors: 0, replies: 20000") {
		t.Errorf("20000 at once are answered by %q", got)
	}
	// A client that waits is told as soon as another one has something for it.
	waited := make(chan string, 1)
	go func() {
		out, err := near.try(t, "", client, "-h", host, "-p", port, "BLPOP", "list", "30")
		waited <- fmt.Sprint(out, err)
	}()
	redis("", "RPUSH", "list", "words")
	if got := <-waited; !strings.Contains(got, "words") {
		t.Errorf("the one that waits hears %q", got)
	}
}
