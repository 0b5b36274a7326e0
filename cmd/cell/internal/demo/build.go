package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/cell-mesh/cell/cmd/cell/internal/build"
	"github.com/cell-mesh/cell/cmd/cell/internal/origin"
	"github.com/cell-mesh/cell/internal/home"
)

// Build builds the example cells into the home at dir: from the checkout that contains the
// current directory, or else from the source of this program. It returns which.
func Build(ctx context.Context, dir string) (from string, err error) {
	h, err := home.At(dir)
	if err != nil {
		return "", err
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", errors.New("building the example cells needs Go, which is not on the PATH: " +
			"install it from https://go.dev/dl")
	}
	from, source, err := findSource(ctx)
	if err != nil {
		return "", err
	}
	return from, buildAll(ctx, h, source)
}

func buildAll(ctx context.Context, h home.Home, source string) error {
	cells, err := build.Find(source)
	if err != nil {
		return err
	}
	results, err := build.Run(ctx, build.Config{Home: h}, cells)
	for _, result := range results {
		err = errors.Join(err, result.Err)
	}
	return err
}

// findSource returns the directory of the source, and its name to print.
func findSource(ctx context.Context) (name, dir string, err error) {
	if dir := checkout(ctx); dir != "" {
		return dir, dir, nil
	}
	o, ok := origin.Find()
	switch {
	case !ok:
		return "", "", errors.New("the source of the example cells was not found: " +
			"run the command in a checkout of cell")
	case o.Dir == "":
		dir, err = download(ctx, o)
		return o.String(), dir, err
	}
	return o.Dir, o.Dir, nil
}

// checkout returns the root of the checkout of cell that contains the current directory.
func checkout(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if dir := strings.TrimSpace(string(out)); err == nil && origin.IsCheckout(dir) {
		return dir
	}
	return ""
}

// download fetches a version of the source into go's module cache, and returns its directory.
func download(ctx context.Context, o origin.Origin) (dir string, err error) {
	out, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", o.String()).Output()
	var module struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &module); jsonErr == nil && module.Error != "" {
		return "", fmt.Errorf("go mod download: %s", module.Error)
	}
	if err != nil {
		return "", fmt.Errorf("go mod download %s: %w", o, err)
	}
	return module.Dir, nil
}
