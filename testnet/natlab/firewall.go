//go:build linux

package natlab

import (
	"bytes"
	"net/netip"
	"text/template"
)

// firewall is how a router of a kind translates addresses, and what it forwards.
type firewall struct {
	Kind Kind
	Up   string
	// First is where a Cone forwards packets of unknown connections.
	First netip.Addr
}

// A packet passes the chains in this order: outside, before routing; then datagrams and
// through, or itself if it is for the router; then leaving.
var rules = template.Must(template.New("firewall").Parse(`
table inet natlab {
	chain outside {
		type nat hook prerouting priority dstnat
		{{if eq .Kind.String "cone"}} iifname {{.Up}} meta nfproto ipv4 meta l4proto { tcp, udp } dnat ip to {{.First}} {{end}}
	}
	chain datagrams {
		{{if eq .Kind.String "tcp-only"}} drop {{end}}
	}
	chain through {
		type filter hook forward priority filter; policy drop
		meta l4proto udp jump datagrams
		ct state established,related accept
		ct status dnat accept
		iifname != {{.Up}} accept
		{{if eq .Kind.String "v6"}} meta nfproto ipv6 accept {{end}}
	}
	chain itself {
		type filter hook input priority filter
		iifname {{.Up}} ct state established,related accept
		iifname {{.Up}} meta l4proto { icmp, ipv6-icmp } accept
		iifname {{.Up}} drop
	}
	chain leaving {
		type nat hook postrouting priority srcnat
		oifname {{.Up}} meta nfproto ipv4 masquerade {{if eq .Kind.String "sym"}} random,fully-random {{end}}
	}
}
`))

func (f firewall) script() string {
	var text bytes.Buffer
	if err := rules.Execute(&text, f); err != nil {
		panic(err) // the template is a constant
	}
	return text.String()
}
