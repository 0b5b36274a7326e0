"""Fails on lines over 100 columns: Go with a tab counted as 4, and the prose of Markdown.

What can't be broken is left out: code blocks and tables in Markdown, raw strings in Go, and in
tests the literals in a row of a table.
"""

import re
import subprocess
import sys

LIMIT = 100
STRING = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
RAW = re.compile(r"`[^`]*`")


def go_widths(name, lines):
    raw = False  # inside a raw string
    for number, line in enumerate(lines, 1):
        inside, raw = raw, raw != (STRING.sub("", line).split("//")[0].count("`") % 2 == 1)
        if inside or raw:
            continue
        line = (STRING if name.endswith("_test.go") else RAW).sub('""', line)
        yield number, len(line.replace("\t", " " * 4))


def markdown_widths(lines):
    fenced = False
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        if not fenced and not line.startswith(("    ", "\t", "|")):
            yield number, len(line.expandtabs(4))


files = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.go", "*.md"],
    check=True, capture_output=True, text=True).stdout.split("\0")
found = 0
for name in filter(None, files):
    try:
        lines = open(name, encoding="utf-8").read().split("\n")
    except FileNotFoundError:  # deleted and not yet committed
        continue
    for number, width in markdown_widths(lines) if name.endswith(".md") else go_widths(name, lines):
        if width > LIMIT:
            found += 1
            print(f"{name}:{number}: {width} columns, the limit is {LIMIT}")
sys.exit(1 if found else 0)
