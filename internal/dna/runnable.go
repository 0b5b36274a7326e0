package dna

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// Runnable says what is wrong with a program, with the remedy, as far as can be told
// without running it. A missing one is an error that wraps fs.ErrNotExist.
func Runnable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory, and no executable", path)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable: run \"chmod +x %s\"", path, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil // what may be run need not be readable
	}
	defer file.Close()
	head := make([]byte, 256)
	n, _ := file.Read(head)
	return checkHead(path, head[:n])
}

// checkHead looks at the first bytes: a script has to name an interpreter that is there.
// Other text is nothing that execve(2) takes; whether it takes other bytes, it has to say
// itself.
func checkHead(path string, head []byte) error {
	line, script := bytes.CutPrefix(head, []byte("#!"))
	if !script {
		if bytes.IndexByte(head, 0) < 0 {
			return fmt.Errorf("%s is neither a program for this machine nor a script: a script begins with #! and its interpreter", path)
		}
		return nil
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	// as the kernel does
	words := strings.FieldsFunc(string(line), func(r rune) bool { return r == ' ' || r == '\t' })
	if len(words) == 0 {
		return fmt.Errorf("%s:1: names no interpreter behind #!: write #!/bin/sh, for one", path)
	}
	if info, err := os.Stat(words[0]); err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s:1: its interpreter %q is not on this machine: correct the line, or install it", path, words[0])
	}
	return nil
}
