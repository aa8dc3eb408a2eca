#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Holds ptxas' report on one kernel library against the budgets in its sources.

Fails on a spill, a stack frame, more registers or static shared memory than budgeted, a kernel without a budget or
without __launch_bounds__. The arguments are the files of a cuda_report_files target.
"""
import os
import sys
from xml.sax.saxutils import quoteattr

sys.path.insert(0, os.path.join(os.environ.get("TEST_SRCDIR", "."), os.environ.get("TEST_WORKSPACE", "."),
                                "tools/cuda_report"))
import resources  # noqa: E402


def faults_of(usage, budgets, threads):
    where = "%s for %s" % (usage.kernel, usage.arch)
    name = resources.name_of(usage.kernel, budgets)
    if name is None:
        return ["%s: no `// Budget:` line directly above its __global__" % where]
    budget, faults = budgets[name], []
    if usage.stack:
        faults.append("%s: a stack frame of %d bytes" % (where, usage.stack))
    if usage.spill_stores or usage.spill_loads:
        faults.append("%s: spills %d bytes, reads %d back" % (where, usage.spill_stores, usage.spill_loads))
    if usage.registers > budget.registers:
        faults.append("%s: %d registers, budget %d (%s)" % (where, usage.registers, budget.registers, budget.where))
    if usage.shared > budget.shared:
        faults.append("%s: %d bytes shared, budget %d (%s)" % (where, usage.shared, budget.shared, budget.where))
    if not threads.get(usage.kernel):
        faults.append("%s: no __launch_bounds__" % where)
    return faults


def write_xml(cases):
    path = os.environ.get("XML_OUTPUT_FILE")
    if not path:
        return
    failures = sum(1 for _, faults in cases if faults)
    with open(path, "w", encoding="utf-8") as f:
        f.write('<testsuites><testsuite name="ptxas" tests="%d" failures="%d">' % (len(cases), failures))
        for name, faults in cases:
            f.write("<testcase name=%s>" % quoteattr(name))
            for fault in faults:
                f.write("<failure message=%s/>" % quoteattr(fault))
            f.write("</testcase>")
        f.write("</testsuite></testsuites>\n")


def main(paths):
    sources, logs, ptx = resources.sort_files(paths)
    budgets, threads = {}, {}
    cases = []
    for source in sources:
        found, missing = resources.budgets(source)
        budgets.update(found)
        cases += [(name, ["%s: no `// Budget:` line above the kernel" % name]) for name in missing]
    for path in ptx:
        threads.update(resources.launch_bounds(path))
    usages = [u for log in logs for u in resources.usages(log)]
    if not usages and threads:
        print("skipped: cuda_archs names no sm_XX, so ptxas has not run")
        cases = cases or [("skipped without an sm_XX in cuda_archs", [])]
    for usage in usages:
        cases.append(("%s %s" % (usage.kernel, usage.arch), faults_of(usage, budgets, threads)))
    if not cases:
        cases = [("kernels", ["no kernel found in %s" % " ".join(paths)])]
    for _, faults in cases:
        for fault in faults:
            print(fault)
    write_xml(cases)
    return 1 if any(faults for _, faults in cases) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
