package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cell-mesh/cell/cmd/cell/internal/doctor"
	"github.com/cell-mesh/cell/internal/home/hometest"
	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// A stem that runs since before an upgrade is of another version than the command: status
// and doctor say so, with the remedy. One of the same version is no news.
func TestOtherVersion(t *testing.T) {
	m := localtest.Up(t, filepath.Join(hometest.Dir(t), "a"))
	var now fullStatus
	check(t, json.Unmarshal([]byte(localtest.Run(t, m, "status", "--json")), &now))
	own := thisBuild().Version
	for was, told := range map[string]string{own: "",
		"v0.0.1": "the stem is v0.0.1, this command is " + own,
		"":       "the stem is an older version, this command is " + own} {
		now.Version = was
		raw, err := json.Marshal(now)
		check(t, err)
		var page bytes.Buffer
		check(t, printStatus(&page, raw))
		stem := examineStem(now, upFlags{})[0]
		if told == "" {
			if strings.Contains(page.String(), "\nversion ") || stem.State != doctor.OK {
				t.Errorf("of the same version: %+v\n%s", stem, &page)
			}
			continue
		}
		for _, where := range []string{page.String(), stem.What + stem.Remedy} {
			if !strings.Contains(where, told) || !strings.Contains(where, "kill ") {
				t.Errorf("%q is not told, with a remedy, in\n%s", told, where)
			}
		}
	}
}
