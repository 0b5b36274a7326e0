package mdns

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// machine is a process in a network namespace of its own: it runs a Responder that announces the
// addresses of its only interface, eth.
type machine struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.WriteCloser
	heard chan string // what it says; closed when it has ended
}

func startMachine(t *testing.T) *machine {
	t.Helper()
	if err := exec.Command("unshare", "--net", "true").Run(); err != nil {
		t.Skipf("can't make a network namespace: unshare: %v", err)
	}
	h := &machine{t: t, heard: make(chan string, 1000)}
	h.cmd = exec.Command("unshare", "--net", os.Args[0], "-test.run=^TestHelperHost$")
	h.cmd.Env = append(os.Environ(), "CELL_TEST_MDNS=1")
	h.cmd.Stderr = os.Stderr
	stdin, err := h.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	h.stdin = stdin
	go func() {
		defer close(h.heard)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			h.heard <- lines.Text()
		}
	}()
	t.Cleanup(h.end)
	h.await("ready", 10*time.Second)
	return h
}

// end closes the host's input, whereupon it has to end by itself within two seconds.
func (h *machine) end() {
	h.stdin.Close()
	late := time.AfterFunc(2*time.Second, func() {
		h.t.Errorf("it did not end within 2 s")
		h.cmd.Process.Kill()
	})
	for range h.heard {
	}
	h.cmd.Wait()
	late.Stop()
}

func (h *machine) say(line string) { fmt.Fprintln(h.stdin, line) }

// await waits for a line that contains a word, and returns how long that took.
func (h *machine) await(word string, patience time.Duration) time.Duration {
	h.t.Helper()
	began, deadline := time.Now(), time.After(patience)
	for {
		select {
		case line, ok := <-h.heard:
			if !ok {
				h.t.Fatalf("it ended before it said %q", word)
			}
			if strings.Contains(line, word) {
				return time.Since(began)
			}
		case <-deadline:
			h.t.Fatalf("it did not say %q within %v", word, patience)
		}
	}
}

func (h *machine) pid() string { return strconv.Itoa(h.cmd.Process.Pid) }

// ip runs ip(8) in the namespace.
func (h *machine) ip(args string) {
	h.t.Helper()
	run(h.t, "nsenter", append([]string{"-t", h.pid(), "-n", "ip"}, strings.Fields(args)...)...)
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v: %s", name, args, err, out)
	}
}

// wire connects two hosts by a cable with an interface eth at each end.
func wire(t *testing.T, a, b *machine) {
	t.Helper()
	a.ip("link add eth type veth peer name eth netns " + b.pid())
}

// TestHelperHost is a host until its input ends.
func TestHelperHost(t *testing.T) {
	if os.Getenv("CELL_TEST_MDNS") == "" {
		t.Skip("runs as a child of other tests")
	}
	s := New(Config{
		Service: "_cell-test._udp",
		Texts: func(i net.Interface) (texts []string) {
			for _, ip := range addresses(i) {
				texts = append(texts, fmt.Sprintf("%d says %v;", os.Getpid(), ip))
			}
			return texts
		},
		Found: func(_ *net.Interface, texts []string) { fmt.Println(texts) },
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan bool)
	go func() { s.Run(ctx); close(ended) }()
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		map[string]func(){"refresh": s.Refresh, "query": s.Query}[lines.Text()]()
	}
	cancel()
	<-ended
}

// Two hosts hear of each other over IPv4 where IPv6 can't be used at all: the MTU is below IPv6's
// minimum.
func TestIPv4Alone(t *testing.T) {
	t.Parallel()
	a, b := startMachine(t), startMachine(t)
	wire(t, a, b)
	for i, h := range []*machine{a, b} {
		h.ip("link set eth mtu 1200 up")
		h.ip(fmt.Sprintf("addr add 10.99.0.%d/24 dev eth", i+1))
	}
	a.say("refresh")
	b.say("refresh")
	a.await(b.pid()+" says 10.99.0.2;", 2*time.Second)
	b.await(a.pid()+" says 10.99.0.1;", 2*time.Second)
}

// Without any IPv4 address, link-local IPv6 is enough.
func TestIPv6Alone(t *testing.T) {
	t.Parallel()
	a, b := startMachine(t), startMachine(t)
	wire(t, a, b)
	for i, h := range []*machine{a, b} {
		h.ip("link set eth up")
		h.ip(fmt.Sprintf("addr add fe80::%d/64 dev eth nodad", i+1))
	}
	a.say("refresh")
	b.say("refresh")
	a.await(b.pid()+" says fe80::2;", 2*time.Second)
	b.await(a.pid()+" says fe80::1;", 2*time.Second)
}

// A changed address is heard at once after Refresh, also when an interface was away meanwhile, and
// when both ends changed at once.
func TestChangedAddress(t *testing.T) {
	t.Parallel()
	a, b := startMachine(t), startMachine(t)
	wire(t, a, b)
	both := func(command string) {
		for i, h := range []*machine{a, b} {
			h.ip(strings.ReplaceAll(command, "N", strconv.Itoa(i+1)))
		}
		a.say("refresh")
		b.say("refresh")
	}
	both("link set eth mtu 1200 up")
	for _, subnet := range []string{"10.99.0", "10.99.1", "10.99.2"} {
		both("addr flush dev eth")
		both("link set eth down")
		both("link set eth up")
		both("addr add " + subnet + ".N/24 dev eth")
		took := a.await(b.pid()+" says "+subnet+".2;", 2*time.Second)
		took = max(took, b.await(a.pid()+" says "+subnet+".1;", 2*time.Second))
		t.Logf("%s: heard after %v", subnet, took)
	}
}

// Query finds who is there though nothing has changed since the last announcement.
func TestQuery(t *testing.T) {
	t.Parallel()
	a, b := startMachine(t), startMachine(t)
	wire(t, a, b)
	for i, h := range []*machine{a, b} {
		h.ip("link set eth mtu 1200 up")
		h.ip(fmt.Sprintf("addr add 10.99.0.%d/24 dev eth", i+1))
	}
	b.say("refresh")
	b.await(b.pid()+" says", 2*time.Second) // itself, thrice: the burst is over
	b.await(b.pid()+" says", 4*time.Second)
	b.await(b.pid()+" says", 6*time.Second)
	for len(a.heard) > 0 {
		<-a.heard
	}
	a.say("query")
	a.await(b.pid()+" says 10.99.0.2;", 2*time.Second)
}
