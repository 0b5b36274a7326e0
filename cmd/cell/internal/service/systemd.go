package service

import (
	"context"
	"fmt"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// systemd is the user's instance of systemd. dir holds the user's units.
type systemd struct{ dir string }

func (systemd) name(s Service) string { return "cell" + s.suffix("-") + ".service" }

func (d systemd) File(s Service) string { return filepath.Join(d.dir, d.name(s)) }

func (systemd) Text(s Service) string {
	var b strings.Builder
	b.WriteString(`# Written by "cell install"; removed by "cell uninstall".
# Put flags of "cell up" into stem.toml in the home.
[Unit]
Description=cell: the stem of this machine
Documentation=https://github.com/cell-mesh/cell
# Restart it no matter how often it has failed.
StartLimitIntervalSec=0

[Service]
Type=notify
`)
	fmt.Fprintf(&b, "ExecStart=%s up\n", quote(s.Program))
	if s.Home != "" {
		fmt.Fprintf(&b, "Environment=%s\n", quote("CELL_HOME="+s.Home))
	}
	fmt.Fprintf(&b, "Environment=%s\n", quote("PATH="+s.Path))
	b.WriteString(`Restart=on-failure
RestartSec=2
# Cells outlive their stem.
KillMode=process
# Keep the stem running if the kernel kills a cell for lack of memory.
OOMPolicy=continue

[Install]
WantedBy=default.target
`)
	return b.String()
}

// quote quotes a text for a unit file.
func quote(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(text) {
		switch {
		case c == '%':
			b.WriteString("%%")
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (d systemd) PID(ctx context.Context, s Service) int {
	out, _ := tool(ctx, "systemctl", "--user", "show", "--property=MainPID", "--value", d.name(s))
	pid, _ := strconv.Atoi(out)
	return pid
}

func (d systemd) Start(ctx context.Context, s Service, changed bool) error {
	if _, err := tool(ctx, "systemctl", "--user", "daemon-reload"); err != nil {
		return err
	}
	if _, err := tool(ctx, "systemctl", "--user", "enable", "--quiet", d.name(s)); err != nil {
		return err
	}
	verb := "start"
	if changed {
		verb = "restart"
	}
	_, err := tool(ctx, "systemctl", "--user", verb, d.name(s))
	return err
}

func (d systemd) Stop(ctx context.Context, s Service) error {
	_, err := tool(ctx, "systemctl", "--user", "disable", "--quiet", "--now", d.name(s))
	return err
}

func (systemd) Linger(ctx context.Context) error {
	if _, err := tool(ctx, "loginctl", "enable-linger"); err == nil {
		return nil
	}
	name := "YOU"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return fmt.Errorf("the stem stops when you log out; to keep it running: "+
		"sudo loginctl enable-linger %s", name)
}
