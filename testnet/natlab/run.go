//go:build linux

package natlab

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
)

// output runs a program and returns its output. An error includes what it wrote to stderr.
func output(stdin, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err,
			strings.TrimSpace(stderr.String()+"\n"+stdin))
	}
	return stdout.String(), nil
}

func run(stdin, name string, args ...string) error {
	_, err := output(stdin, name, args...)
	return err
}
