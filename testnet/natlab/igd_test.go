//go:build linux

package natlab

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// igd is a router's program that opens ports for those who ask: miniupnpd, as on many a real one.
type igd struct {
	t      *testing.T
	router *Router
	config string
	stop   func() // as when the router is switched off
}

// startIGD runs one on a router until the test ends. It understands one language,
// "natpmp" or "upnp".
func startIGD(t *testing.T, router *Router, language string) *igd {
	t.Helper()
	if _, err := exec.LookPath("miniupnpd"); err != nil {
		t.Skip("no miniupnpd: install miniupnpd-nftables")
	}
	i := &igd{t: t, router: router, config: filepath.Join(t.TempDir(), "miniupnpd.conf")}
	config := fmt.Sprintf(`ext_ifname=%s
listening_ip=%s
ipv6_disable=yes
enable_natpmp=no
enable_upnp=no
upnp_table_name=natlab
upnp_nat_table_name=natlab
upnp_forward_chain=opened
upnp_nat_chain=opened-outside
upnp_nat_postrouting_chain=opened-leaving
secure_mode=yes
uuid=00000000-0000-0000-0000-000000000001
allow 1024-65535 192.168.0.0/16 1024-65535
deny 0-65535 0.0.0.0/0 0-65535
`, uplink, lanBridge)
	config = strings.Replace(config, "enable_"+language+"=no", "enable_"+language+"=yes", 1)
	check(t, os.WriteFile(i.config, []byte(config), 0o600))
	// What is opened leads in. The third chain would have the host's own calls leave from
	// the same port; nothing goes there, so that a symmetric router stays one.
	check(t, router.namespace.nft(`
		add chain inet natlab opened
		add chain inet natlab opened-outside
		add chain inet natlab opened-leaving
		add rule inet natlab outside jump opened-outside`))
	i.start()
	return i
}

// start switches it on, and returns when it can be asked.
func (i *igd) start() {
	i.t.Helper()
	cmd := i.router.Command(context.Background(), "miniupnpd", "-d", "-f", i.config, "-P",
		i.config+".pid")
	says, said, err := os.Pipe()
	check(i.t, err)
	cmd.Stderr = said
	err = cmd.Start()
	said.Close()
	check(i.t, err)
	var log strings.Builder
	ended := make(chan struct{})
	i.stop = sync.OnceFunc(func() {
		cmd.Process.Kill()
		cmd.Wait()
		<-ended
		says.Close()
	})
	i.t.Cleanup(func() {
		i.stop()
		if i.t.Failed() {
			i.t.Logf("%s: %s", i.router.Name(), &log)
		}
	})
	says.SetReadDeadline(time.Now().Add(readyWait))
	lines := bufio.NewReader(says)
	for line := ""; !strings.Contains(line, "istening "); {
		line, err = lines.ReadString('\n')
		log.WriteString(line)
		if err != nil {
			close(ended)
			i.t.Fatalf("miniupnpd is not ready: %v\n%s", err, &log)
		}
	}
	says.SetReadDeadline(time.Time{})
	go func() { // ends with the program
		defer close(ended)
		io.Copy(&log, lines)
	}()
}

// reboot switches the router off and on: it forgets what it has opened, and all
// connections, and gets another address.
func (i *igd) reboot() {
	i.t.Helper()
	i.stop()
	check(i.t, i.router.namespace.nft("flush chain inet natlab opened\nflush chain inet natlab opened-outside"))
	check(i.t, i.router.Renumber())
	i.start()
}

// opened is how many ports lead in.
func (i *igd) opened() int {
	i.t.Helper()
	out, err := i.router.Command(i.t.Context(), "nft", "list", "chain", "inet", "natlab",
		"opened-outside").Output()
	check(i.t, err)
	return strings.Count(string(out), "dnat")
}
