package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
)

const module = "github.com/cell-mesh/cell"

var names = []string{"echo", "edge_detector", "retina", "brain"}

// Build builds the example cells into dir, which lies in a home: from the checkout that the current directory is in or, outside one, from the
// version that this program was built from. It says which.
func Build(ctx context.Context, dir string) (from string, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	if err := os.Chmod(filepath.Dir(dir), 0o700); err != nil {
		return "", err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("the example cells are to be built, and there is no go on the PATH: install Go from https://go.dev/dl")
	}
	if root := checkout(ctx); root != "" {
		return root, goTool(ctx, nil, append([]string{"build", "-o", dir + "/"}, packages("")...)...)
	}
	version := ownVersion()
	if version == "" {
		return "", errors.New("the example cells are to be built, and there is no source of them: run it inside a checkout of cell")
	}
	return module + "@" + version, goTool(ctx, []string{"GOBIN=" + dir}, append([]string{"install"}, packages("@"+version)...)...)
}

func packages(suffix string) (paths []string) {
	for _, cell := range names {
		paths = append(paths, module+"/cells/"+cell+suffix)
	}
	return paths
}

// checkout returns the root of the checkout of cell that the current directory is in, or "".
func checkout(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Path}} {{.Dir}}").Output()
	path, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err != nil || path != module {
		return ""
	}
	return dir
}

// ownVersion returns the module version that this program is, or "" if it is none that can be fetched.
func ownVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path != module || info.Main.Version == "(devel)" || strings.Contains(info.Main.Version, "+") {
		return ""
	}
	return info.Main.Version
}

func goTool(ctx context.Context, env []string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", args[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}
