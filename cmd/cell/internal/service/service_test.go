package service

import (
	"encoding/xml"
	"flag"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/cell-mesh/cell/internal/home/hometest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var update = flag.Bool("update", false, "write the files in testdata anew")

// The texts are a function of the service alone.
var services = map[string]Service{
	"plain": {Program: "/usr/local/bin/cell", Path: "/usr/local/bin:/usr/bin:/bin",
		Log: "/Users/me/.cell/log/stem.service.log"},
	"odd": {Program: `/opt/my "100%" <cells>\cell`, Home: "/srv/a b/$HOME&co\n",
		Path: "/opt/100%/bin:/bin",
		Log:  "/srv/a b/log"},
}

func TestTexts(t *testing.T) {
	for name, s := range services {
		for file, got := range map[string]string{
			name + ".service": systemd{"/u"}.Text(s),
			name + ".plist":   launchd{"/a"}.Text(s),
		} {
			path := filepath.Join("testdata", file)
			if *update {
				check(t, os.WriteFile(path, []byte(got), 0o644))
			}
			want, err := os.ReadFile(path)
			check(t, err)
			if got != string(want) {
				t.Errorf("%s is\n%s\nwant\n%s", file, got, want)
			}
		}
	}
}

// Each home has a service of its own.
func TestFiles(t *testing.T) {
	for _, m := range []Manager{systemd{"/u"}, launchd{"/a"}} {
		seen := map[string]bool{}
		for _, home := range []string{"", "/srv/a", "/srv/b"} {
			path := m.File(Service{Home: home})
			if seen[path] || strings.Contains(path, "srv") {
				t.Errorf("%q is %s", home, path)
			}
			seen[path] = true
		}
	}
	if got := (systemd{"/u"}).File(Service{}); got != "/u/cell.service" {
		t.Errorf("the default home's is %s", got)
	}
}

// systemd itself finds nothing to say against the units.
func TestUnitVerifies(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "my 100% cell")
	check(t, os.WriteFile(program, []byte("#!/bin/sh\n"), 0o700))
	s := Service{Program: program, Home: "/srv/a b/$HOME\t", Path: "/opt/100%/bin:/bin"}
	path := filepath.Join(dir, "cell.service")
	for text, fine := range map[string]bool{systemd{}.Text(s): true,
		strings.Replace(systemd{}.Text(s), "KillMode=process", "KillMode=most", 1): false} {
		check(t, os.WriteFile(path, []byte(text), 0o600))
		verify := exec.Command("systemd-analyze", "verify", "--user", "--man=no", path)
		verify.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir)
		out, err := verify.CombinedOutput()
		if said := strings.Contains(string(out), "cell.service"); said == fine ||
			fine && err != nil {
			t.Errorf("fine should be %v: %v\n%s\n%s", fine, err, out, text)
		}
	}
}

// The property list is XML, and says what was meant.
func TestPlistParses(t *testing.T) {
	for name, s := range services {
		var plist struct {
			Dict struct {
				Keys    []string `xml:"key"`
				Strings []string `xml:"string"`
				Array   []string `xml:"array>string"`
				Dicts   []struct {
					Keys    []string `xml:"key"`
					Strings []string `xml:"string"`
				} `xml:"dict"`
			} `xml:"dict"`
		}
		decoder := xml.NewDecoder(strings.NewReader(launchd{}.Text(s)))
		check(t, decoder.Decode(&plist))
		if _, err := decoder.Token(); err != nil && err != io.EOF {
			t.Errorf("%s: %v", name, err)
		}
		d := plist.Dict
		if len(d.Array) != 2 || d.Array[0] != s.Program || d.Array[1] != "up" {
			t.Errorf("%s: it runs %q", name, d.Array)
		}
		env := map[string]string{}
		for i, key := range d.Dicts[0].Keys {
			env[key] = d.Dicts[0].Strings[i]
		}
		if env["CELL_HOME"] != s.Home || env["PATH"] != s.Path {
			t.Errorf("%s: its environment is %q", name, env)
		}
		if len(d.Strings) != 3 || d.Strings[1] != s.Log || d.Strings[2] != s.Log {
			t.Errorf("%s: it complains in %q", name, d.Strings)
		}
	}
}

func TestReady(t *testing.T) {
	check(t, Ready()) // nobody wants to be told
	path := filepath.Join(hometest.Dir(t), "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	check(t, err)
	defer l.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	check(t, Ready())
	told := make([]byte, 100)
	n, err := l.Read(told)
	if string(told[:n]) != "READY=1" || err != nil {
		t.Errorf("told %q, %v", told[:n], err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
