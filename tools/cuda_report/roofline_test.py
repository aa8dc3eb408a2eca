#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Predictions, measured columns and the comparison with the committed file, on figures made up for it."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ.get("TEST_SRCDIR", "."), os.environ.get("TEST_WORKSPACE", "."),
                                "tools/cuda_report"))
import roofline  # noqa: E402

def case(kernel, shape, arithmetic, flop, size):
    return {"kernel": kernel, "shape": shape, "arithmetic": arithmetic, "flop": flop, "bytes": size}


CASES = [case("gemm", "big", "float32", "6.7e10", "1e6"),
         case("gemm_int8", "big", "int8", "1.979e12", "1e6"),
         case("combine", "long", "float32", "1e6", "3.35e9"),
         case("combine", "short", "float32", "1", "8"),
         case("gemm", "triple", "3xtf32", "1.65e11", "1e6")]
BENCH = """# Some GPU, 132 SMs
# limits
kernel,shape,dtype,arithmetic,device,min_us,median_us,p95_us,GB/s,GFLOP/s,bound,roofline%,vs_base
gemm,big,f32,float32,cuda,1,2000.0,1,1,1,compute,1,
combine,long,f32,float32,cpu,1,5.0,1,1,1,memory,1,
"""


def document(bench=None):
    times, header = {}, ""
    if bench is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bench.csv")
            open(path, "w", encoding="utf-8").write(bench)
            times, header = roofline.read_measured(path)
    return roofline.document(CASES, times, header, [])


class Roofline(unittest.TestCase):
    def test_predictions(self):
        self.assertEqual([roofline.predict(c) for c in CASES],
                         [(1e-3, "float32"), (1e-3, "int8"), (1e-3, "memory"), (3e-6, "launch"),
                          (1e-3, "3xtf32")])

    def test_measured_on_a_gpu_only(self):
        text = document(BENCH)
        self.assertIn("Measured on: Some GPU, 132 SMs", text)
        self.assertIn("| gemm | big | 6.7e+04 | 1 | 1000 | float32 | 2000 | 50 % |", text)
        self.assertIn("| combine | long | 1 | 3350 | 1000 | memory |  |  |", text)

    def test_measurements_do_not_count_in_the_comparison(self):
        self.assertEqual(roofline.compare(document(BENCH), document()), 0)
        self.assertEqual(roofline.compare(document().replace("| 3 | launch", "| 4 | launch"), document()), 1)
        self.assertEqual(roofline.compare(document().replace("combine | long", "combine | longer"), document()), 1)


if __name__ == "__main__":
    unittest.main()
