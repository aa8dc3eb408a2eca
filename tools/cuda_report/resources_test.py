#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The budget test must see every fault that it is there for. Reports are ptxas' own wording."""
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.environ.get("TEST_SRCDIR", "."), os.environ.get("TEST_WORKSPACE", "."),
                                "tools/cuda_report"))
import budget_test  # noqa: E402
import resources  # noqa: E402

SOURCE = """
// Budget: 40 registers, 1024 bytes shared.
template <int N>
__global__ void __launch_bounds__(kThreads* (2 + 1)) scale_rows(Args a) {}
"""
REPORT = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z10scale_rowsILi4EEv4Args' for 'sm_90'
ptxas info    : Function properties for _Z10scale_rowsILi4EEv4Args
    {stack} bytes stack frame, {spill} bytes spill stores, {spill} bytes spill loads
ptxas info    : Used {registers} registers, used 1 barriers, {shared} bytes smem, 400 bytes cmem[0]
"""
PTX = ".visible .entry _Z10scale_rowsILi4EEv4Args(\n)\n.maxntid 384, 1, 1\n{"


def faults(source=SOURCE, ptx=PTX, registers=40, shared=1024, stack=0, spill=0):
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, text in (("k.cu", source), ("k.cu.ptx", ptx), ("k.cu.ptxas.txt", REPORT.format(
                registers=registers, shared=shared, stack=stack, spill=spill))):
            paths.append(os.path.join(folder, name))
            open(paths[-1], "w", encoding="utf-8").write(text)
        budgets, missing = resources.budgets(paths[0])
        found = ["no budget: " + n for n in missing]
        for usage in resources.usages(paths[2]):
            found += budget_test.faults_of(usage, budgets, resources.launch_bounds(paths[1]))
        return " ".join(found)


class Budgets(unittest.TestCase):
    def test_within_the_budget(self):
        self.assertEqual(faults(), "")

    def test_spill(self):
        self.assertIn("spills 8 bytes", faults(spill=8))

    def test_stack_frame(self):
        self.assertIn("a stack frame of 16 bytes", faults(stack=16))

    def test_registers(self):
        self.assertIn("41 registers, budget 40", faults(registers=41))

    def test_shared(self):
        self.assertIn("1025 bytes shared, budget 1024", faults(shared=1025))

    def test_no_budget(self):
        self.assertIn("no budget: scale_rows", faults(source=SOURCE.replace("// Budget", "// budget")))

    def test_no_launch_bounds(self):
        self.assertIn("no __launch_bounds__", faults(ptx=PTX.replace(".maxntid 384, 1, 1", "")))


class Occupancy(unittest.TestCase):
    def usage(self, registers, shared):
        return resources.Usage("k", "sm_90", registers, shared, 0, 0, 0)

    def test_limits(self):
        self.assertEqual(resources.occupancy(self.usage(32, 0), 256, 0), (1.0, "warps"))
        self.assertEqual(resources.occupancy(self.usage(128, 0), 256, 0), (0.25, "registers"))
        self.assertEqual(resources.occupancy(self.usage(216, 0), 64, 0), (8 / 64, "registers"))  # two warps a partition
        self.assertEqual(resources.occupancy(self.usage(32, 0), 256, 100000), (0.25, "shared memory"))
        self.assertEqual(resources.occupancy(self.usage(32, 0), 32, 0), (0.5, "blocks"))


if __name__ == "__main__":
    unittest.main()
