package dna

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// Runnable returns what is wrong with a program, as far as it can tell without running it. If the
// file is missing, the error wraps fs.ErrNotExist.
func Runnable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s is a directory, not a program", path)
	case info.Mode().Perm()&0o111 == 0:
		return fmt.Errorf("%s is not executable: run \"chmod +x %s\"", path, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil // a program need not be readable
	}
	defer file.Close()
	head := make([]byte, 256)
	n, _ := file.Read(head)
	return checkHead(path, head[:n])
}

// checkHead checks the first bytes. A script must name an interpreter that exists. Other text
// cannot be executed. Binary formats are left to execve(2).
func checkHead(path string, head []byte) error {
	line, script := bytes.CutPrefix(head, []byte("#!"))
	if !script {
		if bytes.IndexByte(head, 0) < 0 {
			return fmt.Errorf("%s is neither a program for this machine nor a script: "+
				"a script begins with #! and its interpreter", path)
		}
		return nil
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	// Split as the kernel does.
	words := strings.FieldsFunc(string(line), func(r rune) bool { return r == ' ' || r == '\t' })
	if len(words) == 0 {
		return fmt.Errorf("%s:1: no interpreter after #!: write for example #!/bin/sh", path)
	}
	if info, err := os.Stat(words[0]); err != nil || info.IsDir() || info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s:1: its interpreter %q is not installed on this machine: correct "+
			"the line or install it", path, words[0])
	}
	return nil
}
