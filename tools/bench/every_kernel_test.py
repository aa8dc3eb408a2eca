#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether every kernel has a benchmark case. The arguments are the bench program and this folder's BUILD file, by which
the checkout is found: kernels are the tables that headers below kernels/ declare. And so every kernel is in
kernels/ROOFLINE.md, whose functions are those of what the bench is linked from.
"""
import csv
import glob
import io
import os
import re
import subprocess
import sys
import unittest

BENCH, BUILD = sys.argv[1:3]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(BUILD))))


def declared():
    tables = {}
    for path in glob.glob(os.path.join(ROOT, "kernels", "**", "*.h"), recursive=True):
        with open(path, encoding="utf-8") as f:
            for name in re.findall(r"^extern const KernelTable<[^;]*>\s*(\w+);", f.read(), re.M):
                tables[name] = os.path.relpath(path, ROOT)
    return tables


def listed():
    text = subprocess.run([BENCH, "--list"], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    return list(csv.DictReader(io.StringIO(text)))


class EveryKernel(unittest.TestCase):
    def test_has_a_case(self):
        tables, cases = declared(), {row["kernel"].split("/")[0] for row in listed()}
        self.assertGreater(len(tables), 60, "the headers below %s were not found" % ROOT)
        without = sorted("%s (%s)" % (name, tables[name]) for name in set(tables) - cases)
        self.assertEqual(without, [], "kernels without a case in their folder's *_bench.cc")
        self.assertEqual(sorted(cases - set(tables)), [], "cases of no kernel that a header declares")

    def test_cases_have_names_of_their_own(self):
        names = [(row["kernel"], row["shape"]) for row in listed()]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
