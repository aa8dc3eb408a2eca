#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Verdicts on runs made up for it."""
import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ.get("TEST_SRCDIR", "."), os.environ.get("TEST_WORKSPACE", "."),
                                "tools/bench"))
import compare_runs  # noqa: E402


def run_csv(times, machine="Some CPU"):
    """times: {(kernel, shape): median, or (median, minimum)}; the minimum is the median where none is given."""
    pairs = {case: us if isinstance(us, tuple) else (us, us) for case, us in times.items()}
    rows = ['%s,"%s",%f,%f' % (*case, median, minimum) for case, (median, minimum) in pairs.items()]
    return "# %s\n# g++\nkernel,shape,median_us,min_us\n%s\n" % (machine, "\n".join(rows))


def compare(*csvs, bound=None):
    """(exit status, output) with csvs in turn of A and B."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, text in enumerate(csvs):
            paths.append(os.path.join(folder, "%d.csv" % i))
            with open(paths[-1], "w", encoding="utf-8") as f:
                f.write(text)
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = compare_runs.main(([] if bound is None else ["--bound=%g" % bound]) + paths)
        return status, out.getvalue()


def turns(a_times, b_times, shape="8,3x3/2"):
    return [run_csv({("gemm", shape): us}) for pair in zip(a_times, b_times) for us in pair]


class CompareRuns(unittest.TestCase):
    def test_as_fast(self):
        status, out = compare(*turns([10, 10, 10], [10, 10.2, 9.8]))
        self.assertEqual(status, 0)
        self.assertIn("no case is slower", out)

    def test_slower_beyond_the_spread(self):
        status, out = compare(*turns([10, 10.1, 9.9], [12, 12.2, 11.8]))
        self.assertEqual(status, 1)
        self.assertIn("slower than 0.95 of A's speed: gemm:8,3x3/2", out)

    def test_slower_within_the_spread(self):
        self.assertEqual(compare(*turns([10, 10, 10, 10], [8, 11, 11, 16]))[0], 0)

    def test_medians_that_other_work_made_longer(self):
        self.assertEqual(compare(*turns([(10, 9), (10, 9), (10, 9)], [(14, 13), (15, 9.1), (14, 12)]))[0], 0)
        self.assertEqual(compare(*turns([(10, 9), (10, 9), (10, 9)], [(14, 13), (15, 12), (14, 12)]))[0], 1)

    def test_a_best_time_alone_is_no_verdict(self):
        self.assertEqual(compare(*turns([(10, 5), (10, 9), (10, 9)], [(10, 9), (10, 9), (10, 9)]))[0], 0)

    def test_a_machine_that_slows_down_slows_both(self):
        self.assertEqual(compare(*turns([10, 20, 40], [10, 20, 40]))[0], 0)
        self.assertEqual(compare(*turns([10, 20, 40], [13, 26, 52]))[0], 1)
        self.assertEqual(compare(*turns([40, 20, 10], [52, 26, 13]))[0], 1)

    def test_the_bound_is_the_callers(self):
        runs = turns([10, 10], [12, 12])
        self.assertEqual(compare(*runs, bound=0.8)[0], 0)
        self.assertEqual(compare(*runs, bound=0.9)[0], 1)

    def test_one_slow_case_among_others(self):
        a = run_csv({("gemm", "8"): 10, ("total", "9"): 10})
        b = run_csv({("gemm", "8"): 5, ("total", "9"): 20})
        status, out = compare(a, b)
        self.assertEqual(status, 1)
        self.assertIn("of A's speed: total:9\n", out)

    def test_cases_of_one_alone_are_named(self):
        status, out = compare(run_csv({("gemm", "8"): 1, ("old", "8"): 1}), run_csv({("gemm", "8"): 1, ("new", "8"): 1}))
        self.assertEqual(status, 0)
        self.assertIn("only in A: old:8", out)
        self.assertIn("only in B: new:8", out)

    def test_what_cannot_be_compared(self):
        one = run_csv({("gemm", "8"): 1})
        self.assertEqual(compare(one)[0], 2)
        self.assertEqual(compare()[0], 2)
        for other, reason in ((run_csv({("gemm", "8"): 1}, "Other CPU"), "different machines: # Other CPU | # Some CPU"),
                              (run_csv({("total", "8"): 1}), "no case in common"),
                              ("", "holds no case"), ("kernel,shape\na,b\n", "not written by bench")):
            status, out = compare(one, other)
            self.assertEqual(status, 2)
            self.assertIn(reason, out)
        self.assertEqual(compare_runs.main(["/no/such/a", "/no/such/b"]), 2)


if __name__ == "__main__":
    unittest.main()
