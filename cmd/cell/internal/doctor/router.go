package doctor

import "strings"

// Router is what came of asking the router to open ports.
type Router struct {
	// At is its address, or empty if none was asked.
	At string
	// By is how it is asked, as "UPnP", or empty if it does not answer.
	By string
	// Opened are the ports that lead here, and Why says why there are none.
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
		return c.note("turn on UPnP or NAT-PMP in the router, or forward a port of it to this machine")
	case len(r.Opened) == 0:
		return ok("router", "%s is asked for ports by %s, but opens none: %s", r.At, r.By, r.Why).
			note("have the router allow it, or ask the provider for a public address or IPv6")
	case n.Reachability == "public":
		return ok("router", "%s lets others in, by %s, at %s", r.At, r.By,
			strings.Join(r.Opened, " and "))
	}
	return ok("router", "%s lets others in, by %s, at %s; that somebody has come through is not known yet", r.At, r.By, strings.Join(r.Opened, " and "))
}
