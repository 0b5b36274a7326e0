package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2/unstable"
)

// fault is an error in a Spec and its position: a key of a table. number is the index among
// tables of an array, or -1; name is the last part of the name of a table such as [cell.x].
type fault struct {
	table  string
	number int
	name   string
	key    string
	words  string
}

func (f *fault) Error() string {
	switch {
	case f.name != "":
		return fmt.Sprintf("%s %s: %s", f.table, f.name, f.words)
	case f.number >= 0 && f.table != "":
		return fmt.Sprintf("%s %d: %s", f.table, f.number+1, f.words)
	}
	return f.words
}

// line returns the line of the key, or else that of its table, or 1.
func (f *fault) line(text []byte) int {
	var p unstable.Parser
	p.Reset(text)
	line, table, count := 1, "", -1
	for p.NextExpression() {
		e := p.Expression()
		var words []string
		at := 0
		for key := e.Key(); key.Next(); {
			at = p.Shape(p.Range(key.Node().Data)).Start.Line
			words = append(words, strings.ToLower(string(key.Node().Data))) // as the decoder does
		}
		path := strings.Join(words, ".")
		switch e.Kind {
		case unstable.ArrayTable:
			if table = path; table == f.table {
				count++
			}
		case unstable.Table:
			table = path
		}
		here := f.table == "" && table == "" ||
			table == f.table && count == f.number && f.name == "" ||
			f.name != "" && table == f.table+"."+f.name
		if !here {
			continue
		}
		if e.Kind != unstable.KeyValue {
			line = at
		} else if path == f.key || strings.HasPrefix(path, f.key+".") {
			return at
		}
	}
	return line
}

// checker keeps the first fault.
type checker struct {
	fault *fault
	names []string // of groups and nodes
	cells []string
}

// in returns a function that reports a fault of a table unless ok is true.
func (c *checker) in(table string, number int,
	name string) func(ok bool, key, format string, args ...any) {
	return func(ok bool, key, format string, args ...any) {
		if !ok && c.fault == nil {
			c.fault = &fault{table, number, name, key, fmt.Sprintf(format, args...)}
		}
	}
}

func (c *checker) knows(names []string) (unknown string, ok bool) {
	for _, name := range names {
		if !slices.Contains(c.names, name) {
			return name, false
		}
	}
	return "", true
}
