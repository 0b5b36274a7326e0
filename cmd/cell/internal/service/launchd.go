package service

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// launchd is the manager of macOS. dir holds the user's launch agents.
type launchd struct{ dir string }

func (launchd) label(s Service) string { return "org.cell-mesh.cell" + s.suffix(".") }

func (d launchd) File(s Service) string { return filepath.Join(d.dir, d.label(s)+".plist") }

func (d launchd) Text(s Service) string {
	environment := ""
	if s.Home != "" {
		environment = "\n\t\t<key>CELL_HOME</key>\n\t\t<string>" + escape(s.Home) + "</string>"
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN"
  "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by "cell install"; removed by "cell uninstall".
     Put flags of "cell up" into stem.toml in the home. -->
<plist version="1.0">
<dict>
	<key>Label</key>
	<string>%s</string>
	<key>ProgramArguments</key>
	<array>
		<string>%s</string>
		<string>up</string>
	</array>
	<key>EnvironmentVariables</key>
	<dict>%s
		<key>PATH</key>
		<string>%s</string>
	</dict>
	<key>RunAtLoad</key>
	<true/>
	<key>KeepAlive</key>
	<dict>
		<key>SuccessfulExit</key>
		<false/>
	</dict>
	<!-- Cells outlive their stem. -->
	<key>AbandonProcessGroup</key>
	<true/>
	<key>StandardOutPath</key>
	<string>%s</string>
	<key>StandardErrorPath</key>
	<string>%s</string>
</dict>
</plist>
`, escape(d.label(s)), escape(s.Program), environment, escape(s.Path), escape(s.Log), escape(s.Log))
}

func escape(text string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(text)) // a strings.Builder never fails
	return b.String()
}

func (d launchd) target(s Service) string {
	return fmt.Sprintf("gui/%d/%s", os.Getuid(), d.label(s))
}

var pidLine = regexp.MustCompile(`(?m)^\s*pid = (\d+)$`)

func (d launchd) PID(ctx context.Context, s Service) int {
	out, _ := tool(ctx, "launchctl", "print", d.target(s))
	match := pidLine.FindStringSubmatch(out)
	if match == nil {
		return 0
	}
	pid, _ := strconv.Atoi(match[1])
	return pid
}

func (d launchd) Start(ctx context.Context, s Service, changed bool) error {
	if d.PID(ctx, s) != 0 && !changed {
		return nil
	}
	tool(ctx, "launchctl", "bootout", d.target(s)) // fails if it is not loaded
	if _, err := tool(ctx, "launchctl", "enable", d.target(s)); err != nil {
		return err
	}
	_, err := tool(ctx, "launchctl", "bootstrap", fmt.Sprintf("gui/%d", os.Getuid()), d.File(s))
	return err
}

func (d launchd) Stop(ctx context.Context, s Service) error {
	_, err := tool(ctx, "launchctl", "bootout", d.target(s))
	return err
}

// Linger fails: macOS starts agents at login, and offers nothing else for users.
func (launchd) Linger(context.Context) error {
	return errors.New("the stem runs only while you are logged in")
}
