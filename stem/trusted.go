package stem

import "github.com/cell-mesh/cell/internal/address"

// Trusted lists the peers that may reach something here by a grant of their own, by the
// rules in force. It answers at once.
func (s *Stem) Trusted() []address.ID {
	var trusted []address.ID
	for id, granted := range s.Policy.Rules().Grants {
		if granted.Any || len(granted.Names) > 0 {
			trusted = append(trusted, id)
		}
	}
	return trusted
}
