#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes kernels/ROOFLINE.md from what is known without a GPU, and from measurements where there are some.

    bazel run //tools/cuda_report:roofline                       writes kernels/ROOFLINE.md
    bazel run //tools/cuda_report:roofline -- --measured FILE    the same with the times of `bench --device=cuda --csv`

Arguments in front of these come from the BUILD file: the bench program and the files of all cuda_report_files.
"""
import csv
import io
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import resources  # noqa: E402

# H100 SXM: bytes a second of memory, FLOP a second by the arithmetic that a case names (NVIDIA's data sheet, dense).
# 3xtf32 makes one product of three.
MEMORY = 3.35e12
PEAKS = {"float32": 67e12, "float64": 34e12, "tf32": 495e12, "3xtf32": 165e12, "float16": 990e12, "bfloat16": 990e12,
         "int8": 1979e12}
LAUNCH = 3e-6  # seconds below which no launch is seen to end

INTRO = """# What the CUDA kernels should reach

Made by `bazel run //tools/cuda_report:roofline`; do not edit. FLOP and bytes are the cases' own (`x_bench.cc`), compulsory
work and traffic only. Predicted time on an H100 SXM: the longer of FLOP at the peak of the case's arithmetic (67 TFLOP/s
float32, 34 float64, 495 tf32, 165 3xtf32, 990 float16 and bfloat16, 1979 TOP/s int8) and bytes at 3.35 TB/s, and never below 3 us, the
time of a launch. `tools/gpu_check.sh` runs the tests and the benchmark on a GPU and fills in the last two columns.

No GPU has run these kernels so far where those columns are empty. What waits for one: speed, bank conflicts and coalescing
as measured, ptxas' machine code itself, the weak memory model, the order in which tensor cores add, true asynchrony, and
the choices of cuBLASLt and cuDNN.

"""


def run_list(bench):
    text = subprocess.run([bench, "--list"], check=True, stdout=subprocess.PIPE, universal_newlines=True).stdout
    # Searches by bytes are the CPU's alone, and of some CPUs.
    return [case for case in csv.DictReader(io.StringIO(text)) if not case["kernel"].endswith("/bytes")]


def read_measured(path):
    """{(kernel, shape): microseconds} of a bench csv, and its header line."""
    times, header = {}, ""
    lines = open(path, encoding="utf-8").read().splitlines()
    table = [l for l in lines if not l.startswith("#")]
    header = next((l[2:] for l in lines if l.startswith("# ")), "")
    for row in csv.DictReader(table):
        if row["device"] == "cuda":
            times[row["kernel"], row["shape"]] = float(row["median_us"])
    return times, header


def predict(case):
    flop, size = float(case["flop"]), float(case["bytes"])
    kind = case["arithmetic"]
    compute, memory = flop / PEAKS[kind], size / MEMORY
    longest = max(compute, memory, LAUNCH)
    bound = "launch" if longest == LAUNCH else kind if compute >= memory else "memory"
    return longest, bound


def case_table(cases, times):
    lines = ["## Cases", "", "| kernel | shape | MFLOP | MB | predicted us | bound by | measured us | of predicted |",
             "|---|---|---|---|---|---|---|---|"]
    for case in cases:
        seconds, bound = predict(case)
        measured = times.get((case["kernel"], case["shape"]))
        lines.append("| %s | %s | %.4g | %.4g | %.4g | %s | %s | %s |" % (
            case["kernel"], case["shape"], float(case["flop"]) * 1e-6, float(case["bytes"]) * 1e-6, seconds * 1e6, bound,
            "" if measured is None else "%.4g" % measured,
            "" if measured is None else "%.0f %%" % (100 * seconds * 1e6 / measured)))
    return lines


def resource_table(paths):
    sources, logs, ptx = resources.sort_files(paths)
    threads, owner, budgets = {}, {}, {}
    for path in ptx:
        threads.update(resources.launch_bounds(path))
    for source in sources:
        found, _ = resources.budgets(source)
        for name, budget in found.items():
            budgets[name], owner[name] = budget, os.path.basename(source)
    rows = {}
    for usage in (u for log in logs for u in resources.usages(log)):
        name = resources.name_of(usage.kernel, budgets)
        rows.setdefault((owner.get(name, "?"), name or usage.kernel), {}).setdefault(usage.arch, []).append(usage)
    lines = ["## Kernel functions", "",
             "The worst instantiation of each. Occupancy: resident warps of the most that there can be, and what limits them.",
             "", "| file | function | threads | registers | shared | dynamic | sm_80 | sm_90 |", "|---|---|---|---|---|---|---|---|"]
    for (source, name), by_arch in sorted(rows.items()):
        worst = [u for usages in by_arch.values() for u in usages]
        block = max(threads.get(u.kernel, 0) for u in worst)
        dynamic = budgets[name].dynamic if name in budgets else 0
        cells = []
        for arch in ("sm_80", "sm_90"):
            shares = [resources.occupancy(u, threads.get(u.kernel) or 1024, dynamic) for u in by_arch.get(arch, [])]
            share, limit = min(shares) if shares else (0, "not built")
            cells.append("%.0f %% %s" % (100 * share, limit))
        lines.append("| %s | %s | %d | %d | %d | %d | %s | %s |" % (
            source, name, block, max(u.registers for u in worst), max(u.shared for u in worst), dynamic, *cells))
    return lines


def document(cases, times, header, paths):
    head = INTRO + ("Measured on: %s\n\n" % header if times else "")
    return head + "\n".join(case_table(cases, times) + [""] + resource_table(paths)) + "\n"


def main(arguments):
    measured = check = None
    out = os.path.join(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), "kernels/ROOFLINE.md")
    rest = []
    values = iter(arguments)
    for value in values:
        if value == "--measured":
            measured = next(values, None)
            if measured is None:
                print("error: --measured needs a file", file=sys.stderr)
                return 2
            if "BUILD_WORKING_DIRECTORY" in os.environ:
                measured = os.path.join(os.environ["BUILD_WORKING_DIRECTORY"], measured)
        elif value == "--check":
            check = next(values)
        else:
            rest.append(value)
    bench, paths = rest[0], rest[1:]
    times, header = read_measured(measured) if measured else ({}, "")
    text = document(run_list(bench), times, header, paths)
    if check is None:
        with open(out, "w", encoding="utf-8") as f:
            f.write(text)
        print("wrote %s" % os.path.relpath(out, os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")))
        return 0
    return compare(open(check, encoding="utf-8").read(), text)


def without_measurements(text):
    """Lines of the document with empty measured columns."""
    lines = []
    for line in text.splitlines():
        cells = line.split("|")
        if len(cells) == 10 and not line.startswith("| file") and cells[6].strip() in set(PEAKS) | {"memory", "launch"}:
            cells[7] = cells[8] = "  "
        if not line.startswith("Measured on: "):
            lines.append("|".join(c.strip() for c in cells))
    return [l for l in lines if l]


def compare(committed, made):
    a, b = without_measurements(committed), without_measurements(made)
    if a == b:
        return 0
    print("kernels/ROOFLINE.md is not what `bazel run //tools/cuda_report:roofline` writes. It lacks or has too much:")
    for line in [l for l in b if l not in a][:10]:
        print("  + " + line)
    for line in [l for l in a if l not in b][:10]:
        print("  - " + line)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
