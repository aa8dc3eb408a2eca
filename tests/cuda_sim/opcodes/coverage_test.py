#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""coverage_test.py FILE...: fails on an instruction of the translator's table that no case executes.

Each alternative of each modifier of each form must occur in some case of that form. Modifiers of memory order, scope
and cache, and the space of atomics, pass through the same lines for all forms of an opcode: one case of the opcode is
enough. FILEs are *.cases and *.ptx.
"""

import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "translator")]
import ptx_to_cpp  # noqa: E402,F401   fills the table
import table  # noqa: E402
from case_file import mnemonics, read  # noqa: E402


_COMMON = {"order", "scope", "hint", "evict", "evict2", "prefetch"}


def _is_common(form, slot):
    return slot.name in _COMMON or (slot.name == "space" and form.opcode in ("atom", "red"))


def mnemonics_of_ptx(path):
    with open(path) as file:
        text = re.sub(r"//[^\n]*", "", file.read())
    return [match.group(1) for match in re.finditer(r"(?:^|[;{}])\s*(?:@!?%\w+\s+)?([a-z]\w*(?:[.:]+\w+)*)(?=[\s;])",
                                                    text, re.M)]


def main(paths):
    seen = {}          # form -> set of (slot, alternative)
    unknown = []
    for path in paths:
        names = mnemonics_of_ptx(path) if path.endswith(".ptx") else mnemonics(read(path))
        for mnemonic in names:
            found = table.find(mnemonic)
            if found is None:
                unknown.append("%s: %s" % (os.path.basename(path), mnemonic))
                continue
            form, modifiers = found
            seen.setdefault(form.grammar, set()).update(modifiers.items())
            seen.setdefault(form.opcode, set()).update(modifiers.items())
    missing = []
    for form in table.FORMS:
        have = seen.get(form.grammar)
        if have is None:
            missing.append("%s: no case" % form.grammar)
            continue
        for slot in form.slots:
            cases = seen[form.opcode] if _is_common(form, slot) else have
            lacking = [value for value in slot.alternatives if (slot.name, value) not in cases]
            if lacking:
                missing.append("%s: no case with %s" % (form.grammar, ", ".join("." + value for value in lacking)))
    for line in unknown + missing:
        print(line)
    print("%d forms, %d of them without all their cases, %d mnemonics unknown" % (len(table.FORMS), len(missing),
                                                                                len(unknown)))
    return 1 if unknown or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
