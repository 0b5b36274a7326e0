package address

import "testing"

// Reach forks on what a peer was named by, so each is exactly one of the four.
func TestPeerIsOneThing(t *testing.T) {
	for text, want := range map[string]string{
		"local":              "local",
		id:                   "id",
		cid:                  "id",
		"laptop":             "petname",
		"192.168.1.5":        "place",
		"host.example.org:1": "place",
		"/ip4/1.2.3.4/tcp/1": "place",
		"/p2p/" + id:         "place",
	} {
		peer, err := ParsePeer(text)
		if err != nil {
			t.Error(err)
		}
		_, isID := peer.ID()
		_, isPetname := peer.Petname()
		_, isPlace := peer.Place()
		for kind, is := range map[string]bool{"local": peer.IsLocal(), "id": isID,
			"petname": isPetname, "place": isPlace} {
			if is != (kind == want) {
				t.Errorf("%s is a %s: %v", text, kind, is)
			}
		}
	}
}

func TestPeerOf(t *testing.T) {
	want, err := ParsePeer(id)
	if err != nil {
		t.Fatal(err)
	}
	parsed, _ := want.ID()
	if got := PeerOf(parsed); got != want {
		t.Errorf("PeerOf(%s) = %+v, want %+v", parsed, got, want)
	}
}

// A petname is a file name too: peers/PETNAME.toml.
func TestParsePetname(t *testing.T) {
	for text, want := range map[string]string{"laptop": "laptop", "LapTop": "laptop", "7": "7",
		"a-b_c": "a-b_c"} {
		if name, err := ParsePetname(text); err != nil || name.String() != want {
			t.Errorf("ParsePetname(%q) = %q, %v, want %s", text, name, err, want)
		}
	}
	for text, reason := range map[string]string{
		"": "is empty", "local": "means this machine", "Local": "means this machine",
		"_a": "does not begin with", "a.b": `contains "."`, "a/b": `contains "/"`, id: "looks like a peer ID",
	} {
		_, err := ParsePetname(text)
		refused(t, "ParsePetname", text, err, reason)
	}
}

// Who dials a place needs its host and port apart, without brackets.
func TestPlaceHost(t *testing.T) {
	for _, test := range []struct {
		text string
		host string
		port uint16
		ok   bool
	}{
		{"192.168.1.5", "192.168.1.5", 0, true},
		{"192.168.1.5:4433", "192.168.1.5", 4433, true},
		{"::1", "::1", 0, true},
		{"[::1]:4433", "::1", 4433, true},
		{"Host.example.org.:65535", "host.example.org", 65535, true},
		{"laptop:1", "laptop", 1, true},
		{"/ip4/1.2.3.4/tcp/1", "", 0, false},
	} {
		peer, err := ParsePeer(test.text)
		if err != nil {
			t.Error(err)
		}
		place, _ := peer.Place()
		if host, port, ok := place.Host(); host != test.host || port != test.port || ok != test.ok {
			t.Errorf("%s: Host() = %q, %d, %v", test.text, host, port, ok)
		}
		if place.IsMultiaddr() == test.ok {
			t.Errorf("%s: IsMultiaddr() = %v", test.text, place.IsMultiaddr())
		}
	}
}
