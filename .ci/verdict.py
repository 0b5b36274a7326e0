"""Prints what a run of go test -json came to, and fails unless every test passed.

A skipped test counts as missing: here everything that they need is at hand.
"""

import json
import sys

bad, skipped, unended, passed, output = set(), [], set(), 0, {}
for line in open(sys.argv[1]):
    if not line.startswith("{"):
        print(line, end="")
        continue
    e = json.loads(line)
    key = (e.get("Package", e.get("ImportPath")), e.get("Test", ""))
    action, test = e["Action"], e.get("Test", "")
    if action in ("output", "build-output"):
        output.setdefault(key, []).append(e["Output"])
    elif action == "run":
        unended.add(key)
    elif action in ("pass", "fail", "skip", "build-fail"):
        unended.discard(key)
    if action in ("fail", "build-fail"):
        bad.add(key)
    elif action == "skip" and test and not test.startswith("TestHelper"):  # those are children of other tests
        skipped.append(key)
    elif action == "pass" and test:
        passed += 1
    elif action == "pass":
        print(f"ok  {key[0]}  {e['Elapsed']:.1f} s")

for verdict, keys in ("FAIL", bad), ("NEVER ENDED", unended), ("SKIPPED", skipped):  # a crash says where only in what never ended
    for key in sorted(keys):
        print(verdict, *key)
        print("".join(output.get(key, [])))
print(f"{passed} passed, {len(bad)} failed, {len(unended)} never ended, {len(skipped)} skipped")
sys.exit(1 if bad or unended or skipped or not passed else 0)
