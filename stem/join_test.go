package stem

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cell-mesh/cell/internal/address"
	"github.com/cell-mesh/cell/internal/home"
	"github.com/cell-mesh/cell/internal/invite"
	"github.com/cell-mesh/cell/internal/peers"
	"github.com/cell-mesh/cell/stem/policy"
	"github.com/cell-mesh/cell/stem/stemtest"
)

// inviter is a machine whose rules are the files of a home.
type inviter struct {
	*machine
	home  home.Home
	files *policy.Files
}

func newInviter(t *testing.T, h home.Home) inviter {
	t.Helper()
	m := newMachine(t, testID(0))
	files := policy.New(h, m.net.id, discard)
	m.Policy = files
	return inviter{m, h, files}
}

// invites makes an invite. change may change it before it is in force.
func (i inviter) invites(t *testing.T, cells string, change func(*invite.Invite)) invite.Invite {
	t.Helper()
	grant, err := peers.ParseGrant(strings.Fields(cells))
	if err != nil {
		t.Fatal(err)
	}
	made := invite.New(grant, 1, time.Now().Add(time.Hour), petname("laptop"))
	if change != nil {
		change(&made)
	}
	if err := invite.Write(i.home, made); err != nil {
		t.Fatal(err)
	}
	i.files.Reread()
	return made
}

// join lets peer n join with the invite and returns the answer.
func (i inviter) join(t *testing.T, n int, with invite.Invite) string {
	t.Helper()
	proof := invite.Proof(with.Secret, with.ID, i.net.id, testID(n))
	return everything(t, i.remote(testID(n)), "open stem.join key="+proof+"\n")
}

// peer reads a peer's file.
func (i inviter) peer(t *testing.T, who string) peers.Peer {
	t.Helper()
	p, err := peers.Read(peerFile(i.home, who))
	if err != nil {
		t.Error(err)
	}
	return p
}

func wantTold(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("the answer is %q, want %q", got, want)
	}
}

// When the joiner gets its answer, it is a peer in the files and by the rules in force.
func TestJoin(t *testing.T) {
	i := newInviter(t, newHome(t))
	with := i.invites(t, "retina echo", nil)
	if may(i.files, 1, "retina") {
		t.Error("the invite alone grants something")
	}
	wantTold(t, i.join(t, 1, with), "ok\nok cells=retina,echo\n")
	if !may(i.files, 1, "retina") || !may(i.files, 1, "echo") || may(i.files, 1, "brain") ||
		may(i.files, 2, "retina") {
		t.Error("the rules in force are not what the invite says")
	}
	if p := i.peer(t, "laptop"); p.ID != testID(1) ||
		strings.Join(p.Cells.Words(), " ") != "retina echo" {
		t.Errorf("the file says %+v", p)
	}
	if now, err := invite.Read(i.home, with.ID); err != nil ||
		!slices.Equal(now.Joined, []address.ID{testID(1)}) {
		t.Errorf("the invite: %+v, %v", now, err)
	}
	if len(i.cells.asked) > 0 {
		t.Errorf("the cells were asked to %q", i.cells.asked)
	}
}

// A joiner with the secret is told the state of the invite. Others get the answer of a stranger.
func TestJoinIsRefused(t *testing.T) {
	i := newInviter(t, newHome(t))
	open := i.invites(t, "retina", nil)
	wrong := open
	wrong.Secret = make([]byte, len(open.Secret))
	unknown := invite.New(peers.Grant{}, 1, time.Now().Add(time.Hour), petname("laptop"))
	empty := unknown
	empty.Secret = nil
	gone := i.invites(t, "retina", nil)
	tests := map[string]struct {
		with invite.Invite
		want string
	}{
		"spent": {i.invites(t, "retina",
			func(i *invite.Invite) { i.Joined = []address.ID{testID(5)} }), "ok\nno denied " +
			"spent\n"},
		"expired": {i.invites(t, "retina",
			func(i *invite.Invite) { i.Expires = time.Now().Add(-time.Second) }), "ok\nno denied expired\n"},
		"revoked": {i.invites(t, "retina", func(i *invite.Invite) { i.Revoked = true }),
			"ok\nno denied revoked\n"},
		"removed":            {gone, "ok\nno denied revoked\n"},
		"with a wrong proof": {wrong, "no denied\n"},
		"unknown":            {unknown, "no denied\n"},
		"without a secret":   {empty, "no denied\n"},
		"long expired": {i.invites(t, "retina",
			func(i *invite.Invite) { i.Expires = time.Now().AddDate(0, 0, -8) }), "no denied\n"},
	}
	// by hand, without a Reread
	if err := os.Remove(i.home.Invite(gone.ID)); err != nil {
		t.Fatal(err)
	}
	for what, test := range tests {
		if got := i.join(t, 1, test.with); got != test.want {
			t.Errorf("%s: the answer is %q, want %q", what, got, test.want)
		}
	}
	for _, request := range []string{"open stem.join\n", "open stem.join key=" + open.ID + ".\n",
		"open stem.join key=sesame\n", "open cell://local/stem.join?key=x.y\n"} {
		wantTold(t, everything(t, i.remote(testID(1)), request), "no denied\n")
	}
	stolen := invite.Proof(open.Secret, open.ID, i.net.id, testID(2))
	wantTold(t, everything(t, i.remote(testID(1)), "open stem.join key="+stolen+"\n"),
		"no denied\n")
	if all, problems := peers.ReadAll(i.home); len(all)+len(problems) > 0 ||
		may(i.files, 1, "retina") {
		t.Errorf("a peer was added: %v, %v", all, problems)
	}
	if got := i.denials.recent(time.Now()); len(got) > 0 {
		t.Errorf("denials of stem.join, which cannot be granted: %v", got)
	}
}

// Of two joiners at once with an invite for one, one joins. Two stems in one home are the worst
// case: they share no lock in memory.
func TestTwoJoinersForOneUse(t *testing.T) {
	h := newHome(t)
	doors := []inviter{newInviter(t, h), newInviter(t, h)}
	for round := range 25 {
		with := doors[0].invites(t, "retina", func(i *invite.Invite) { i.As = address.Petname{} })
		doors[1].files.Reread()
		var told [2]string
		var group sync.WaitGroup
		for n := range told {
			group.Go(func() { told[n] = doors[(round+n)%2].join(t, 100+2*round+n, with) })
		}
		group.Wait()
		slices.Sort(told[:])
		if want := [2]string{"ok\nno denied spent\n", "ok\nok cells=retina\n"}; told != want {
			t.Errorf("round %d: the answers are %q", round, told)
		}
		if now, err := invite.Read(h, with.ID); err != nil || len(now.Joined) != 1 {
			t.Errorf("round %d: %+v, %v", round, now, err)
		}
		if all, problems := peers.ReadAll(h); len(all) != round+1 || len(problems) > 0 {
			t.Errorf("round %d: %d peers, %v", round, len(all), problems)
		}
	}
}

// An invite for three lets three join, even at once.
func TestJoinersAtOnce(t *testing.T) {
	i := newInviter(t, newHome(t))
	with := i.invites(t, "retina", func(i *invite.Invite) { i.Uses = 3 })
	told := make([]string, 8)
	var group sync.WaitGroup
	for n := range told {
		group.Go(func() { told[n] = i.join(t, 1+n, with) })
	}
	group.Wait()
	in := 0
	for n, got := range told {
		if got == "ok\nok cells=retina\n" {
			in++
		} else if got != "ok\nno denied spent\n" {
			t.Errorf("joiner %d got %q", n, got)
		}
		if may(i.files, 1+n, "retina") != (got == "ok\nok cells=retina\n") {
			t.Errorf("joiner %d got %q, but the rules differ", n, got)
		}
	}
	if in != 3 {
		t.Errorf("%d joined", in)
	}
}

// A peer that joins keeps its grant and its petname.
func TestJoinAddsToWhatAPeerHas(t *testing.T) {
	i := newInviter(t, newHome(t))
	write(t, peerFile(i.home, "desk"), stemtest.GrantText(1,
		`"echo", "retina"`)+"addresses = ['/ip4/192.0.2.1/tcp/1']\n", 0o600)
	wantTold(t, i.join(t, 1, i.invites(t, "retina brain", nil)), "ok\nok cells=echo,retina,brain\n")
	if p := i.peer(t, "desk"); strings.Join(p.Cells.Words(), " ") != "echo retina brain" ||
		len(p.At) != 1 {
		t.Errorf("the file says %+v", p)
	}
	if _, err := os.Stat(peerFile(i.home, "laptop")); err == nil {
		t.Error("it has two petnames")
	}
	wantTold(t, i.join(t, 1, i.invites(t, "*", nil)), "ok\nok cells=*,echo,retina,brain\n")
}

// If the petname is taken, the joiner gets one made from its ID. No file is overwritten, not even
// one with an error.
func TestJoinWhenThePetnameIsTaken(t *testing.T) {
	made := func(n, letters int) string {
		text := strings.ToLower(testID(n).String())
		return "peer-" + text[len(text)-letters:]
	}
	for what, test := range map[string]struct {
		as    string
		files map[string]string
		want  string
	}{
		"free":        {"laptop", nil, "laptop"},
		"none wanted": {"", nil, made(1, 8)},
		"another's": {"laptop",
			map[string]string{"laptop": stemtest.GrantText(2, `"echo"`)}, made(1, 8)},
		"of a bad file": {"laptop", map[string]string{"laptop": "id = \n"},
			made(1, 8)},
		"another's, and the next, too": {"laptop",
			map[string]string{"laptop": stemtest.GrantText(2, ``),
				made(1, 8): stemtest.GrantText(3, `"*"`)}, made(1,
				12)},
		"of its own bad file": {"", map[string]string{made(1, 8): stemtest.GrantText(1, `"retina`)},
			made(1, 12)},
	} {
		i := newInviter(t, newHome(t))
		for who, text := range test.files {
			write(t, peerFile(i.home, who), text, 0o600)
		}
		with := i.invites(t, "retina", func(i *invite.Invite) {
			i.As, _ = address.ParsePetname(test.as)
		})
		wantTold(t, i.join(t, 1, with), "ok\nok cells=retina\n")
		if p := i.peer(t, test.want); p.ID != testID(1) || !may(i.files, 1, "retina") {
			t.Errorf("%s: %s is %+v", what, test.want, p)
		}
		for who, text := range test.files {
			if now, err := os.ReadFile(peerFile(i.home, who)); err != nil || string(now) != text {
				t.Errorf("%s: %s was changed to %q, %v", what, who, now, err)
			}
		}
	}
}

// A petname that the owner gave stays. One made from the ID is replaced by the invite's, if that is
// free.
func TestJoinOfAKnownPeer(t *testing.T) {
	text := strings.ToLower(testID(1).String())
	made := "peer-" + text[len(text)-8:]
	for was, test := range map[string]struct{ taken, want string }{
		"old-laptop": {"", "old-laptop"},
		made:         {"", "laptop"},
		made + ".":   {"laptop", made},
	} {
		i := newInviter(t, newHome(t))
		was = strings.TrimSuffix(was, ".")
		write(t, peerFile(i.home, was), stemtest.GrantText(1, `"echo"`), 0o600)
		if test.taken != "" {
			write(t, peerFile(i.home, test.taken), stemtest.GrantText(2, `"echo"`), 0o600)
		}
		with := i.invites(t, "retina", func(i *invite.Invite) {
			i.As, _ = address.ParsePetname("laptop")
		})
		wantTold(t, i.join(t, 1, with), "ok\nok cells=echo,retina\n")
		if p := i.peer(t, test.want); p.ID != testID(1) || !may(i.files, 1, "retina") ||
			!may(i.files, 1, "echo") {
			t.Errorf("of %s: %s is %+v", was, test.want, p)
		}
		if _, err := os.Stat(peerFile(i.home, was)); was != test.want && err == nil {
			t.Errorf("%s is there still", was)
		}
	}
}

// A peer may join again at no cost, since the answer may have been lost or the stem killed.
func TestJoinAgain(t *testing.T) {
	i := newInviter(t, newHome(t))
	with := i.invites(t, "retina", nil)
	for range 3 {
		wantTold(t, i.join(t, 1, with), "ok\nok cells=retina\n")
		if !may(i.files, 1, "retina") {
			t.Error("the answer grants retina, the rules do not")
		}
	}
	wantTold(t, i.join(t, 2, with), "ok\nno denied spent\n")
	if now, err := invite.Read(i.home, with.ID); err != nil || len(now.Joined) != 1 {
		t.Errorf("%+v, %v", now, err)
	}
	paths, _ := filepath.Glob(filepath.Join(i.home.PeersDir(), "*.toml"))
	if len(paths) != 1 {
		t.Errorf("the files are %q", paths)
	}
}

// Joining again does not bring back what was taken away.
func TestJoinAfterUntrust(t *testing.T) {
	i := newInviter(t, newHome(t))
	with := i.invites(t, "retina echo", nil)
	wantTold(t, i.join(t, 1, with), "ok\nok cells=retina,echo\n")
	narrow, err := peers.ParseGrant([]string{"echo"})
	if err != nil {
		t.Fatal(err)
	}
	if err := peers.Write(i.home, peers.Peer{Petname: petname("laptop"), ID: testID(1),
		Cells: narrow}); err != nil {
		t.Fatal(err)
	}
	i.files.Reread()
	wantTold(t, i.join(t, 1, with), "ok\nok cells=echo\n")
	if may(i.files, 1, "retina") {
		t.Error("the peer got back what was taken away")
	}
	if err := os.Remove(peerFile(i.home, "laptop")); err != nil {
		t.Fatal(err)
	}
	i.files.Reread()
	wantTold(t, i.join(t, 1, with), "ok\nno denied revoked\n")
	if may(i.files, 1, "echo") {
		t.Error("the peer is trusted again")
	}
}

// If the file cannot be written, the joiner is told the code and may try again.
func TestJoinThatFails(t *testing.T) {
	i := newInviter(t, newHome(t))
	with := i.invites(t, "retina", nil)
	aside := i.home.PeersDir() + ".aside"
	if err := os.Rename(i.home.PeersDir(), aside); err != nil {
		t.Fatal(err)
	}
	wantTold(t, i.join(t, 1, with), "ok\nno failed\n")
	if err := os.Rename(aside, i.home.PeersDir()); err != nil {
		t.Fatal(err)
	}
	wantTold(t, i.join(t, 1, with), "ok\nok cells=retina\n")
}

// stem.join is for other machines, not for the user.
func TestUserDoesNotJoinHere(t *testing.T) {
	i := newInviter(t, newHome(t))
	with := i.invites(t, "retina", nil)
	proof := invite.Proof(with.Secret, with.ID, i.net.id, i.net.id)
	got := everything(t, i.local(), fmt.Sprintf("open stem.join key=%s\n", proof))
	if !strings.HasPrefix(got, "no not-found ") {
		t.Errorf("got %q", got)
	}
}
