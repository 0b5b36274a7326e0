package doctor

import "strings"

// Router is the result of asking the router to open ports.
type Router struct {
	// At is its address, or empty if none was asked.
	At string
	// By is the protocol, such as "UPnP", or empty if the router does not answer.
	By string
	// Opened are the opened ports. Why says why there are none.
	Opened []string
	Why    string
}

func (n Network) router() Check {
	r := n.Router
	switch {
	case len(r.Opened) == 0 && r.By == "":
		c := ok("router", "%s opens no ports: %s", r.At, r.Why)
		if n.Reachability == "public" {
			return c
		}
		return c.note("turn on UPnP or NAT-PMP in the router, or forward one of its ports to " +
			"this machine")
	case len(r.Opened) == 0:
		return ok("router", "%s supports %s, but opens no port: %s", r.At, r.By, r.Why).
			note("allow it in the router, or ask the provider for a public address or IPv6")
	case n.Reachability == "public":
		return ok("router", "%s opened %s by %s", r.At, strings.Join(r.Opened, " and "), r.By)
	}
	return ok("router", "%s opened %s by %s; no peer has used it so far", r.At,
		strings.Join(r.Opened, " and "), r.By)
}
