package bench

import "time"

// Rate sends n bytes to the cell CellName that dial calls, receives as many, and returns how
// long each took.
func Rate(dial func() (Conn, error), n int64) (there, back time.Duration, err error) {
	took, err := timed(nil, func() error {
		conn, err := dial()
		return upload(conn, err, n)
	})
	if err != nil {
		return 0, 0, err
	}
	took, err = timed(took, func() error {
		conn, err := dial()
		return download(conn, err, n)
	})
	return took[0], took[1], err
}
