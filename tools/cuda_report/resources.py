#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What nvcc tells about CUDA kernels: registers, shared memory, spills and stack frames from ptxas' report, threads a
block from the PTX (__launch_bounds__), and the budget that stands beside each kernel in its source:

    // Budget: 64 registers, 16384 bytes shared.
    // Budget: 64 registers, 0 bytes shared, 98304 bytes dynamic.

`shared` is static shared memory; `dynamic` is what the launcher asks for at most, which no report knows.
"""
import collections
import re

Budget = collections.namedtuple("Budget", "registers shared dynamic where")
Usage = collections.namedtuple("Usage", "kernel arch registers shared stack spill_stores spill_loads")

# Registers a multiprocessor, warps, blocks, bytes of shared memory a multiprocessor (CUDA C++ Programming Guide, compute
# capabilities). A block takes 1 KiB of shared memory beside its own.
LIMITS = {"sm_80": (65536, 64, 32, 164 * 1024), "sm_90": (65536, 64, 32, 228 * 1024)}


def budgets(path):
    """{kernel name: Budget} of one source, and the names of kernels that have none."""
    found, missing, pending = {}, [], None
    text = open(path, encoding="utf-8").read()
    for number, line in enumerate(text.splitlines(), 1):
        m = re.match(r"\s*// Budget: (\d+) registers, (\d+) bytes shared(?:, (\d+) bytes dynamic)?\.$", line)
        if m:
            pending = Budget(int(m[1]), int(m[2]), int(m[3] or 0), "%s:%d" % (path, number))
        if re.match(r"\s*(extern\s+\"C\"\s+)?__global__\b", line):
            rest = "\n".join(text.splitlines()[number - 1:])
            rest = re.sub(r"__launch_bounds__\s*\((?:[^()]|\([^()]*\))*\)", "", rest)
            name = re.match(r"[^(]*?([A-Za-z_]\w*)\s*\(", rest)[1]
            if pending is None:
                missing.append(name)
            else:
                found[name] = pending
            pending = None
    return found, missing


def usages(path):
    """The kernels of one ptxas report, one Usage for each architecture."""
    result = []
    entry = arch = None
    stack = stores = loads = 0
    for line in open(path, encoding="utf-8"):
        m = re.search(r"Compiling entry function '(\w+)' for '(\w+)'", line)
        if m:
            entry, arch = m[1], m[2]
        m = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line)
        if m:
            stack, stores, loads = int(m[1]), int(m[2]), int(m[3])
        m = re.search(r"Used (\d+) registers", line)
        if m and entry:
            smem = re.search(r"(\d+) bytes smem", line)
            result.append(Usage(entry, arch, int(m[1]), int(smem[1]) if smem else 0, stack, stores, loads))
            entry = None
    return result


def launch_bounds(path):
    """{mangled kernel: threads a block at most} of one PTX file; 0 where the kernel names none."""
    threads, entry = {}, None
    for line in open(path, encoding="utf-8"):
        m = re.search(r"\.entry\s+(\w+)", line)
        if m:
            entry = m[1]
            threads[entry] = 0
        m = re.search(r"\.maxntid\s+(\d+)(?:,\s*(\d+))?(?:,\s*(\d+))?", line)
        if m and entry:
            threads[entry] = int(m[1]) * int(m[2] or 1) * int(m[3] or 1)
    return threads


def name_of(mangled, names):
    """Which of the names a mangled kernel has: it stands there behind its own length."""
    candidates = [n for n in names if "%d%s" % (len(n), n) in mangled or n == mangled]
    return max(candidates, key=len) if candidates else None


def occupancy(usage, threads, dynamic):
    """Resident warps as a share of the most that there can be, and what limits them."""
    registers, max_warps, max_blocks, shared = LIMITS[usage.arch]
    warps = -(-threads // 32)
    per_warp = -(-usage.registers * 32 // 256) * 256
    by = {
        "warps": max_warps // warps,
        "blocks": max_blocks,
        # Each of a multiprocessor's four partitions has a quarter of the registers, and whole warps.
        "registers": 4 * (registers // 4 // per_warp) // warps,
        "shared memory": shared // (-(-(usage.shared + dynamic + 1024) // 128) * 128),
    }
    limit = min(by, key=by.get)
    return by[limit] * warps / max_warps, limit


def sort_files(paths):
    """(sources, ptxas reports, PTX files) among the paths of a cuda_report_files target."""
    return ([p for p in paths if p.endswith((".cu", ".cuh"))], [p for p in paths if p.endswith(".ptxas.txt")],
            [p for p in paths if p.endswith(".ptx")])
