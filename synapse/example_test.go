package synapse_test

import (
	"bytes"
	"io"
	"log"

	"github.com/cell-mesh/cell/synapse"
)

// The cell "shout" answers in upper case.
func ExampleListen() {
	l, err := synapse.Listen("shout")
	if err != nil {
		log.Fatal(err)
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go func() {
			defer conn.Close()
			text, _ := io.ReadAll(conn)
			conn.Write(bytes.ToUpper(text))
		}()
	}
}
