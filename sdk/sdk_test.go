package sdk_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cell-mesh/cell/testnet/local/localtest"
)

// Every language calls every language's cells, here and on another machine: they are
// germinated, hear 8 MiB to its end and answer with its hash, or send it all back.
func TestEachCallsEach(t *testing.T) {
	t.Parallel()
	near, far := up(t), up(t)
	localtest.Run(t, far, "trust", near.ID, "--cells", "*")
	text := make([]byte, 8<<20)
	rand.NewChaCha8([32]byte{1}).Read(text)
	hash := fmt.Sprintf("%x\n", sha256.Sum256(text))
	for _, callee := range languages(t) {
		late, echo := callee.dna(t, far.Home, "late"), callee.dna(t, far.Home, "echo")
		for _, caller := range languages(t) {
			caller.wantAnswer(t, near.Home, late+"@"+far.Addr("tcp"), string(text), hash)
			caller.wantAnswer(t, far.Home, "cell://local/"+echo, string(text), string(text))
		}
	}
}

// A cell of this machine that does not run is started by the call, and so is one that has
// left a dead socket.
func TestGerminate(t *testing.T) {
	t.Parallel()
	here := up(t)
	for i, caller := range foreign(t) {
		for _, callee := range languages(t) {
			echo := callee.dnaAs(t, here.Home, "echo", fmt.Sprintf("echo%d-%s", i, callee.name))
			caller.wantAnswer(t, here.Home, echo, "hello", "hello")
			localtest.KillCells(here.Home)
			caller.wantAnswer(t, here.Home, echo, "hello again", "hello again")
		}
	}
}

// A cell that runs is called without a stem, and one that does not can't be.
func TestCallWithoutAStem(t *testing.T) {
	t.Parallel()
	for _, l := range languages(t) {
		home := newHome(t)
		l.listen(t, home, "echo", "echo")
		for _, caller := range foreign(t) {
			caller.wantAnswer(t, home, "echo", "hello", "hello")
			caller.wantError(t, home, "other", "NoStem", "dial other: no stem is running")
			caller.wantError(t, home, "echo@laptop", "NoStem",
				"dial echo@laptop: no stem is running")
		}
	}
}

// What a call is refused with is one class per code, here and over there.
func TestRefusals(t *testing.T) {
	t.Parallel()
	near, far := up(t), up(t)
	check(t, os.MkdirAll(filepath.Join(near.Home, "dna"), 0o700))
	check(t, os.WriteFile(filepath.Join(near.Home, "dna", "crash"),
		[]byte("#!/bin/sh\necho my last words\nexit 3\n"), 0o700))
	for _, l := range foreign(t) {
		l.wantError(t, near.Home, "missing", "NotFound", "dial missing: ")
		l.wantError(t, near.Home, "crash", "Failed", "my last words")
		l.wantError(t, near.Home, "echo@"+far.Addr("tcp"), "Denied", "dial echo@")
		l.wantError(t, near.Home, "echo@/ip4/127.0.0.1/tcp/9/p2p/"+strings.Replace(far.ID,
			far.ID[20:], near.ID[20:], 1), "Unreachable", "does not answer")
		l.wantError(t, near.Home, "echo@nobody", "Unreachable", "no peer is called nobody")
		l.wantError(t, near.Home, "echo@"+far.ID[:30], "Bad", "is damaged")
		for _, bad := range []string{"Echo", "a..b", "a.sock", "", "a b", "cell://local/echo?foo=1",
			strings.Repeat("a", 64)} {
			l.wantError(t, near.Home, bad, "Bad", "address ")
		}
	}
}

// All codes that a stem may answer with, those to come included, and a stem that ends
// before it answers.
func TestCodes(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[string]string{
		"no not-found no dna\n":     "NotFound: dial echo@laptop: no dna",
		"no denied\n":               "Denied: dial echo@laptop: denied",
		"no unreachable no way\n":   "Unreachable: dial echo@laptop: no way",
		"no changed another\n":      "Changed: dial echo@laptop: another",
		"no failed exit status 1\n": "Failed: dial echo@laptop: exit status 1",
		"no busy too many\n":        "Busy: dial echo@laptop: too many",
		"no bad what\n":             "Bad: dial echo@laptop: what",
		"no later-code words\n":     "Failed: dial echo@laptop: later-code words",
		"":                          "NoStem: dial echo@laptop: no stem is running any more: it ended before it answered",
	} {
		home := newHome(t)
		fakeStem(t, home, func(conn net.Conn, _ string) { io.WriteString(conn, verdict) })
		for _, l := range foreign(t) {
			if _, got := l.ask(t, home, "echo@laptop", ""); got != want+"\n" {
				t.Errorf("%s at %q: %q, want %q", l.name, verdict, got, want)
			}
		}
	}
}

// At the end of file the stem is asked, and whatever it says, all that arrived is
// delivered first, from the bytes behind the verdict on.
func TestEndings(t *testing.T) {
	t.Parallel()
	for verdict, want := range map[string]string{
		"ok\n":                  "",
		"no cut it was reset\n": "Cut: the call was cut: it was reset\n",
		"no cut\n":              "Cut: the call was cut: cut\n",
		"no bad no such call\n": "Cut: the call was cut: no such call\n",
		"":                      "Cut: the call was cut: the stem of this machine ended\n",
	} {
		// a far end that closed with input unread resets the socket
		for _, unread := range []string{"", "unread"} {
			home := newHome(t)
			text := strings.Repeat("all there was ", 2000)
			fakeStem(t, home, func(conn net.Conn, request string) {
				if request == "end 9223372036854775807\n" {
					io.WriteString(conn, verdict)
					return
				}
				io.WriteString(conn, "ok call=9223372036854775807 later=1\n"+text[:10])
				conn.Read(make([]byte, 1)) // not the rest, if there is more than its end
				// The caller is slow: the last piece comes, and then the end, while it
				// still holds what was before.
				io.WriteString(conn, text[10:len(text)-100])
				time.Sleep(8 * time.Millisecond)
				io.WriteString(conn, text[len(text)-100:])
				time.Sleep(8 * time.Millisecond)
			})
			for _, l := range foreign(t) {
				got, complaint := l.ask(t, home, "echo@laptop", unread)
				if got != text || complaint != want {
					t.Errorf("%s, %q unread, at %q: got %d bytes of %d and %q, want %q", l.name,
						unread, verdict, len(got), len(text), complaint, want)
				}
			}
		}
	}
}

// The cell ends its side first, and then still hears all that the caller says.
func TestHalfCloseByTheCell(t *testing.T) {
	t.Parallel()
	near, far := up(t), up(t)
	localtest.Run(t, far, "trust", near.ID, "--cells", "*")
	for _, callee := range foreign(t) {
		first := callee.dna(t, far.Home, "first")
		for _, caller := range foreign(t) {
			for home, address := range map[string]string{far.Home: first,
				near.Home: first + "@" + far.Addr("tcp")} {
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				cmd := caller.command(ctx, home, address)
				stdin, err := cmd.StdinPipe()
				check(t, err)
				stdout, err := cmd.StdoutPipe()
				check(t, err)
				check(t, cmd.Start())
				line, _ := bufio.NewReader(stdout).ReadString('\n') // only then do we speak
				io.WriteString(stdin, "thanks")
				stdin.Close()
				if err := cmd.Wait(); err != nil || line != "you first\n" {
					t.Errorf("%s calls %s: heard %q, %v", caller.name, address, line, err)
				}
				cancel()
				whole := filepath.Join(far.Home, "heard.whole")
				if heard := waitFor(t, whole); heard != "thanks" {
					t.Errorf("%s calls %s: it heard %q", caller.name, address, heard)
				}
				check(t, os.Remove(whole))
			}
		}
	}
}

// A cell that answers and reads nothing is heard to its end, however much is still being
// said to it.
func TestEarlyAnswer(t *testing.T) {
	t.Parallel()
	near, far := up(t), up(t)
	localtest.Run(t, far, "trust", near.ID, "--cells", "*")
	for _, callee := range foreign(t) {
		early := callee.dna(t, far.Home, "early")
		for _, caller := range languages(t) {
			for home, address := range map[string]string{far.Home: early,
				near.Home: early + "@" + far.Addr("tcp")} {
				caller.wantAnswer(t, home, address, strings.Repeat("x", 4<<20),
					strings.Repeat("enough\n", 20000))
			}
		}
	}
}

// The far stem is killed under a call: that is an error, and not an end.
func TestCut(t *testing.T) {
	t.Parallel()
	for _, l := range foreign(t) {
		near, far := up(t), up(t)
		localtest.Run(t, far, "trust", near.ID, "--cells", "*")
		hang := l.dna(t, far.Home, "hang")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		cmd := l.command(ctx, near.Home, hang+"@"+far.Addr("tcp"))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		stdin, err := cmd.StdinPipe()
		check(t, err)
		defer stdin.Close()
		stdout, err := cmd.StdoutPipe()
		check(t, err)
		check(t, cmd.Start())
		half := make([]byte, 4)
		_, err = io.ReadFull(stdout, half)
		check(t, err)
		far.Kill()
		rest, _ := io.ReadAll(stdout)
		if err := cmd.Wait(); err == nil || string(half)+string(rest) != "half" ||
			!strings.HasPrefix(stderr.String(), "Cut: the call was cut: ") {
			t.Errorf("%s: %v, got %s%s, says %q", l.name, err, half, rest, &stderr)
		}
	}
}

// A cell that can't finish its answer says so, and the caller is told; nobody can tell
// one who connected directly.
func TestReset(t *testing.T) {
	t.Parallel()
	near, far := up(t), up(t)
	localtest.Run(t, far, "trust", near.ID, "--cells", "*")
	for _, l := range foreign(t) {
		torn := l.dna(t, far.Home, "torn")
		if got, complaint := languages(t)[0].ask(t, near.Home, torn+"@"+far.Addr("tcp"),
			"x"); !strings.HasPrefix(complaint, "Cut: ") {
			t.Errorf("%s: got %q, it says %q", l.name, got, complaint)
		}
		l.wantAnswer(t, far.Home, torn, "x", "half")
	}
}

// A server that is down is told from one that has nothing to say, also on its own
// machine; and is called directly if no stem runs.
func TestForwarded(t *testing.T) {
	t.Parallel()
	here := up(t)
	down, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	down.Close()
	localtest.Run(t, here, "expose", "down", down.Addr().String())
	for _, l := range languages(t) {
		l.wantError(t, here.Home, "down", "Cut", "the cell could not finish the call")
	}
	here.Kill()
	for _, l := range languages(t) {
		l.wantAnswer(t, here.Home, "down", "x", "")
	}
}

// A cell learns who calls: a machine by its ID, or a process of this one.
func TestCallers(t *testing.T) {
	t.Parallel()
	near, far := up(t), up(t)
	localtest.Run(t, far, "trust", near.ID, "--cells", "*")
	for _, callee := range foreign(t) {
		who := callee.dna(t, far.Home, "who")
		for _, caller := range languages(t) {
			caller.wantAnswer(t, near.Home, who+"@"+far.Addr("tcp"), "", near.ID+"\n")
			caller.wantAnswer(t, far.Home, who+"@"+far.ID, "", far.ID+"\n")
			got, complaint := caller.ask(t, far.Home, who, "")
			var pid, uid int
			if n, err := fmt.Sscanf(got, "local pid %d uid %d\n", &pid, &uid); n != 2 || pid < 2 ||
				uid != os.Getuid() || complaint != "" {
				t.Errorf("%s calls %s: it is %q, %v, %q", caller.name, who, got, err, complaint)
			}
		}
	}
}

// There is one cell of a name, whatever it is written in: a live one is refused, a dead
// one replaced.
func TestOneCellOfAName(t *testing.T) {
	t.Parallel()
	for _, first := range languages(t) {
		for _, second := range languages(t) {
			home := newHome(t)
			running := first.listen(t, home, "echo", "echo")
			refused := second.start(t, home, "echo", "echo")
			var stderr bytes.Buffer
			refused.Stderr = &stderr
			if err := refused.Run(); err == nil ||
				!strings.HasPrefix(stderr.String(), "InUse: listen as echo: ") {
				t.Errorf("%s beside %s: %v, says %q", second.name, first.name, err, &stderr)
			}
			first.wantAnswer(t, home, "echo", "still here", "still here")
			running.Process.Kill()
			running.Wait()
			second.listen(t, home, "echo", "echo")
			first.wantAnswer(t, home, "echo", "hello", "hello")
			entries, err := os.ReadDir(filepath.Join(home, "run"))
			check(t, err)
			for _, entry := range entries {
				info, err := entry.Info()
				check(t, err)
				if name := entry.Name(); name != "echo.sock" && name != "echo.lock" ||
					info.Mode().Perm() != 0o600 {
					t.Errorf("%s after %s: run/ has %s %v", second.name, first.name, name,
						info.Mode())
				}
			}
		}
	}
}

// Whoever starts by itself waits for the name's lock, and gives it back.
func TestListenTakesTheLock(t *testing.T) {
	t.Parallel()
	for _, l := range foreign(t) {
		home := newHome(t)
		check(t, os.MkdirAll(filepath.Join(home, "run"), 0o700))
		held := lock(t, filepath.Join(home, "run", "echo.lock"))
		cmd := l.start(t, home, "echo", "echo")
		stdout, err := cmd.StdoutPipe()
		check(t, err)
		check(t, cmd.Start())
		t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
		listening := make(chan string, 1)
		go func() {
			line, _ := bufio.NewReader(stdout).ReadString('\n')
			listening <- line
		}()
		select {
		case <-listening:
			t.Errorf("%s did not wait for the lock", l.name)
			continue
		case <-time.After(500 * time.Millisecond): // longer than an interpreter takes to start
		}
		held.Unlock()
		if got := <-listening; got != "listening\n" {
			t.Errorf("%s: %q", l.name, got)
		}
		lock(t, filepath.Join(home, "run", "echo.lock")).Unlock()
	}
}

// The example at the head of each file works, linked into the store as the README says.
func TestExamples(t *testing.T) {
	t.Parallel()
	here := up(t)
	check(t, os.MkdirAll(filepath.Join(here.Home, "dna"), 0o700))
	for _, l := range foreign(t) {
		ext := filepath.Ext(l.call[1])
		dir := filepath.Join(here.Home, l.name)
		check(t, os.Mkdir(dir, 0o700))
		copyFile(t, "testdata/shout"+ext, filepath.Join(dir, "shout"+ext))
		copyFile(t, map[string]string{".py": "python/cell.py", ".js": "js/cell.js"}[ext],
			filepath.Join(dir, "cell"+ext))
		check(t, os.Symlink(filepath.Join(dir, "shout"+ext),
			filepath.Join(here.Home, "dna", "shout-"+l.name)))
		l.wantAnswer(t, here.Home, "shout-"+l.name, "hello", "HELLO")
	}
}

// The functions for the shell.
func TestShell(t *testing.T) {
	t.Parallel()
	near, far := up(t), up(t)
	localtest.Run(t, far, "trust", near.ID, "--cells", "*")
	self := languages(t)[0]
	echo, late := self.dna(t, far.Home, "echo"), self.dna(t, far.Home, "late")
	script := `. sh/cell.sh
		cell_ask ` + echo + "@" + far.Addr("tcp") + ` 'two  words' '$HOME' '*' || exit 10
		printf hello | cell_call ` + late + "@" + far.Addr("tcp") + ` || exit 11
		printf whole | cell_get ` + echo + "@" + far.Addr("tcp") + ` "$CELL_HOME/got" || exit 12
		cat "$CELL_HOME/got"; echo
		cell_get missing "$CELL_HOME/got" </dev/null && exit 13
		cat "$CELL_HOME/got"; echo
		cell_ask Echo hello; echo $?
		ls "$CELL_HOME" | grep got`
	cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
	cmd.Env = append(os.Environ(), "CELL_HOME="+near.Home)
	out, err := cmd.Output()
	want := fmt.Sprintf("two  words $HOME *\n%x\nwhole\nwhole\n2\ngot\n",
		sha256.Sum256([]byte("hello")))
	if err != nil || string(out) != want {
		t.Errorf("%v, got %q, want %q", err, out, want)
	}
}
