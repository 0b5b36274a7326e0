package textfile

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// locate adds file and line to an error of the decoder, and rewords it for the person who
// edits the file.
func locate(path string, text []byte, value any, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) && len(unknown.Errors) > 0 {
		first := unknown.Errors[0]
		line, _ := first.Position()
		return fmt.Errorf("%s:%d: unknown key %q: remove it, or correct its name", path, line,
			strings.Join(first.Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		line, _ := bad.Position()
		return fmt.Errorf("%s:%d: %s", path, line, explain(value, bad))
	}
	if err == nil {
		return nil
	}
	if line, fault := bareWord(text, value); fault != "" {
		return fmt.Errorf("%s:%d: %s", path, line, fault)
	}
	return fmt.Errorf("%s: %w", path, err)
}

// explain says what is expected, where the decoder names Go types.
func explain(value any, bad *toml.DecodeError) string {
	text := strings.TrimPrefix(bad.Error(), "toml: ")
	found, isMismatch := strings.CutPrefix(text, "cannot decode TOML ")
	kind, into, _ := strings.Cut(found, " into ")
	// of "struct field main.upFlags.Port of type int", the type
	into = into[strings.LastIndexByte(into, ' ')+1:]
	at := typeOf(reflect.TypeOf(value), bad.Key())
	wanted := describe(at)
	key := shown(bad.Key())
	ip, isIP := strings.CutPrefix(text, "ParseAddr(")
	switch {
	case isIP:
		ip, _, _ = strings.Cut(ip, ")")
		return ip + " is not an IP address"
	case isMismatch && key != "" && wanted != "" && into != at.String():
		return fmt.Sprintf("%s must be %s: %s does not fit in it", key, wanted, kinds[kind])
	case isMismatch && key != "" && wanted != "":
		return fmt.Sprintf("%s must be %s, not %s", key, wanted, kinds[kind])
	case strings.Contains(text, "cannot be stored in") && wanted != "":
		return fmt.Sprintf("%s must be %s, and not so large or small", key, wanted)
	case strings.HasPrefix(text, "cannot store a") && wanted != "":
		return fmt.Sprintf("%s must be %s, not a table", key, wanted)
	case strings.HasSuffix(text, "at start of value"),
		strings.HasPrefix(text, "expected keyword"), strings.HasPrefix(text, "expected value"):
		return text + ": put text in quotes"
	case strings.HasPrefix(text, "expected newline"):
		return "there is more than one value: put text in quotes"
	}
	return text
}

// shown returns a key as a person writes it.
func shown(key toml.Key) string { return strings.Join(key, ".") }

// kinds translates the types of TOML into everyday words.
var kinds = map[string]string{
	"string": "a text", "integer": "a whole number", "float": "a number with a fraction",
	"boolean": "true or false", "array": "a list", "inline table": "a table",
	"table": "a table", "datetime": "a date and time", "local datetime": "a date and time",
	"local date": "a date", "local time": "a time",
}

// typeOf returns the Go type that a key is decoded into, nil if it is unknown.
func typeOf(t reflect.Type, key toml.Key) reflect.Type {
	for _, word := range key {
		if t = inside(t, word); t == nil {
			return nil
		}
	}
	return bare(t)
}

func bare(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// inside returns the type of a key in a table of type t, nil if there is none.
func inside(t reflect.Type, key string) reflect.Type {
	if t = bare(t); t.Kind() == reflect.Slice {
		t = bare(t.Elem())
	}
	switch t.Kind() {
	case reflect.Map:
		return t.Elem()
	case reflect.Struct:
		for _, field := range reflect.VisibleFields(t) {
			if name, _, _ := strings.Cut(field.Tag.Get("toml"), ","); name == key {
				return field.Type
			}
		}
	}
	return nil
}

// describe says what a value of a type looks like in a file, "" if that is unknown.
func describe(t reflect.Type) string {
	switch {
	case t == nil:
		return ""
	case t == reflect.TypeFor[time.Time]():
		return "a date and time, as in 2026-11-23T03:06:57Z"
	case takesText(t):
		return "a text in quotes"
	}
	switch t.Kind() {
	case reflect.String:
		return "a text in quotes"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64, reflect.Uint16, reflect.Uint64:
		return "a whole number"
	case reflect.Slice:
		return `a list, as in ["a", "b"]`
	case reflect.Map, reflect.Struct:
		return `a table, as in { key = "a" }`
	}
	return ""
}
