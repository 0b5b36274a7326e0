"""Fails on lines over 100 columns: Go with a tab counted as 4, and the prose of Markdown.

Code blocks and tables in Markdown are left out: a row of a table can't be broken.
"""

import subprocess
import sys

LIMIT = 100
files = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.go", "*.md"],
    check=True, capture_output=True, text=True).stdout.split("\0")

found = 0
for name in filter(None, files):
    fenced = False
    try:
        lines = open(name, encoding="utf-8").read().split("\n")
    except FileNotFoundError:  # deleted and not yet committed
        continue
    for number, line in enumerate(lines, 1):
        if name.endswith(".md"):
            if line.lstrip().startswith("```"):
                fenced = not fenced
            if fenced or line.startswith(("    ", "\t", "|")):
                continue
        width = len(line.expandtabs(4)) if name.endswith(".md") else len(line.replace("\t", " " * 4))
        if width > LIMIT:
            found += 1
            print(f"{name}:{number}: {width} columns, the limit is {LIMIT}")
sys.exit(1 if found else 0)
