#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The bench program's flags and messages. The argument is the program."""
import csv
import os
import subprocess
import sys
import tempfile
import unittest

BENCH = os.path.abspath(sys.argv.pop(1))


def bench(*arguments):
    run = subprocess.run([BENCH, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    return run.returncode, run.stdout, run.stderr


def rows(text):
    return list(csv.DictReader(l for l in text.splitlines() if not l.startswith("#")))


def write(path, lines):
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + "\n")


class Bench(unittest.TestCase):
    def smoke(self, *arguments):
        code, out, err = bench("--smoke", "--threads=1", "--csv", *arguments)
        self.assertEqual(code, 0, err)
        return out

    def failure(self, *arguments):
        code, out, err = bench("--smoke", "--threads=1", "--csv", *arguments)
        self.assertEqual((code, out), (1, ""))
        return err

    def test_a_gpu_has_no_processor_time(self):
        code, out, err = bench("--device=cuda", "--clock=cpu")
        self.assertEqual((code, out), (2, ""))
        self.assertIn("--device=cuda takes --clock=wall alone", err)

    def test_unknown_flags_and_cases(self):
        self.assertEqual(bench("--turbo")[0], 2)
        self.assertIn("no case of that name", self.failure("no_such_kernel"))

    def test_a_row_says_what_it_computes_in(self):
        row = rows(self.smoke("gemm_3xtf32"))[0]
        self.assertEqual((row["kernel"], row["dtype"], row["arithmetic"], row["device"]),
                         ("gemm_3xtf32", "f32", "3xtf32", "cpu"))
        self.assertLessEqual(float(row["min_us"]), float(row["median_us"]))
        self.assertGreater(float(row["vs_base"]), 0)
        self.assertEqual((row["bound"], row["roofline%"]), ("", ""))

    def test_the_list_is_of_what_runs(self):
        code, out, _ = bench("--smoke", "--list")
        self.assertEqual(code, 0)
        listed = {(r["kernel"], r["shape"]) for r in rows(out) if "combine" in r["kernel"]}
        self.assertEqual(listed, {(r["kernel"], r["shape"]) for r in rows(self.smoke("combine"))})
        self.assertEqual(len(listed), 2)

    def test_what_the_cpu_has_by_another_name_is_left_out_aloud(self):
        code, _, err = bench("--smoke", "--threads=1", "gemm_tiled")
        self.assertEqual(code, 1)
        self.assertIn("left out: gemm_tiled is another kernel on the CPU", err)

    def test_comparison(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "run.csv")
            earlier = self.smoke("combine")
            # Times that no run will have, so that the ratio says which was divided by which.
            lines = earlier.splitlines()
            names = next(l for l in lines if not l.startswith("#")).split(",")
            for i, line in enumerate(lines):
                cells = line.split(",")
                if line.startswith("combine"):
                    for name in ("min_us", "median_us"):
                        cells[names.index(name)] = str(1e9)
                    lines[i] = ",".join(cells)
            write(path, lines)
            for row in rows(self.smoke("--compare", path, "combine")):
                self.assertAlmostEqual(float(row["vs_min"]) * float(row["min_us"]) / 1e9, 1, places=2)
                self.assertAlmostEqual(float(row["vs_median"]) * float(row["median_us"]) / 1e9, 1, places=2)
            self.assertIn("has no case total:", self.failure("--compare", path, "total"))
            write(path, ["# Another machine"] + lines)
            self.assertIn("measured on 'Another machine', but this is", self.failure("--compare", path, "combine"))
            self.assertIn("cannot be read", self.failure("--compare", os.path.join(folder, "none"), "combine"))


if __name__ == "__main__":
    unittest.main()
