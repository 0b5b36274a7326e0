package textfile

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// locate puts file and line before an error of the decoder, in words of somebody who
// edits the file that value is read from.
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

// explain says what is expected, where the decoder speaks of types.
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
		return fmt.Sprintf("%s is to be %s: %s does not fit in it", key, wanted, kinds[kind])
	case isMismatch && key != "" && wanted != "":
		return fmt.Sprintf("%s is to be %s, and not %s", key, wanted, kinds[kind])
	case strings.Contains(text, "cannot be stored in") && wanted != "":
		return fmt.Sprintf("%s is to be %s, and not so large or small", key, wanted)
	case strings.HasPrefix(text, "cannot store a") && wanted != "":
		return fmt.Sprintf("%s is to be %s, and not a table", key, wanted)
	case strings.HasSuffix(text, "at start of value"), strings.HasPrefix(text,
		"expected keyword"), strings.HasPrefix(text, "expected value"):
		return text + ": a text stands in quotes"
	case strings.HasPrefix(text, "expected newline"):
		return "more stands here than a value: a text stands in quotes"
	}
	return text
}

// shown is a key as a person writes it.
func shown(key toml.Key) string { return strings.Join(key, ".") }

// kinds is what a file's author calls what TOML has other words for.
var kinds = map[string]string{
	"string": "a text", "integer": "a whole number", "float": "a number with a fraction", "boolean": "true or false",
	"array": "a list", "inline table": "a table", "table": "a table", "datetime": "a date and time",
	"local datetime": "a date and time", "local date": "a date", "local time": "a time",
}

// typeOf returns the type of what a key of a file becomes, nil if that is not known.
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

// inside returns the type of what a key stands for, in a table of type t; nil if there is none.
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

// describe says what such a value looks like in a file, "" if that is not known.
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
