package textfile

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// bareWord finds the first number or boolean where a string is expected, as in idle = 5. The
// decoder passes it to UnmarshalText like a string, and does not report the line.
func bareWord(text []byte, value any) (line int, fault string) {
	var p unstable.Parser
	p.Reset(text)
	var table toml.Key
	for p.NextExpression() {
		e := p.Expression()
		if e.Kind == unstable.Table || e.Kind == unstable.ArrayTable {
			table = keyOf(e)
			continue
		}
		if node, key := bareIn(e, table, reflect.TypeOf(value)); node != nil {
			kind, t := kinds[kindOf(node)], typeOf(reflect.TypeOf(value), key)
			fault = fmt.Sprintf("%s must be %s, not %s", shown(key), describe(t), kind)
			if !takesText(t) { // the elements do
				fault = fmt.Sprintf("%s must be %s: %s does not fit in it", shown(key),
					describe(t), kind)
			}
			return p.Shape(node.Raw).Start.Line, fault
		}
	}
	return 0, ""
}

// bareIn searches one KEY = VALUE in a table, including inline tables and lists.
func bareIn(e *unstable.Node, table toml.Key,
	root reflect.Type) (node *unstable.Node, key toml.Key) {
	key = append(table[:len(table):len(table)], keyOf(e)...)
	t := typeOf(root, key)
	var search func(v *unstable.Node, t reflect.Type) (*unstable.Node, toml.Key)
	search = func(v *unstable.Node, t reflect.Type) (*unstable.Node, toml.Key) {
		switch {
		case t == nil:
			return nil, nil
		case kindOf(v) != "" && takesText(t):
			return v, key
		case v.Kind == unstable.Array && t.Kind() == reflect.Slice:
			for words := v.Children(); words.Next(); {
				if node, key := search(words.Node(), bare(t.Elem())); node != nil {
					return node, key
				}
			}
		case v.Kind == unstable.InlineTable:
			for pairs := v.Children(); pairs.Next(); {
				if node, key := bareIn(pairs.Node(), key, root); node != nil {
					return node, key
				}
			}
		}
		return nil, nil
	}
	return search(e.Value(), t)
}

// kindOf returns the TOML type of a value that the decoder passes on like a string.
func kindOf(v *unstable.Node) string {
	return map[unstable.Kind]string{unstable.Integer: "integer", unstable.Float: "float",
		unstable.Bool: "boolean"}[v.Kind]
}

func keyOf(e *unstable.Node) (key toml.Key) {
	for words := e.Key(); words.Next(); {
		key = append(key, string(words.Node().Data))
	}
	return key
}

func takesText(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
