#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether B is slower than A, from csv files of runs that took turns: compare_runs.py --bound=0.95 A0 B0 A1 B1 ...

For each case the ratios of neighbouring runs, A's median time by B's, give a median (above 1: B is faster) and a spread,
the distance from there to the middle of the lower and of the upper half of them, whichever is larger. A case is slower
if even its median plus the spread is below the bound, and so is the ratio of the best times of all runs: other work on
the machine makes medians longer on either side, but hardly ever each run of one. Exit 0: none is; 1: some are; 2: the
files cannot be compared.
"""
import csv
import sys


class Unusable(Exception):
    pass


def read(path):
    """({(kernel, shape): (median, minimum) in microseconds}, the line about the machine)."""
    try:
        with open(path, encoding="utf-8") as f:
            lines = f.read().splitlines()
    except OSError as error:
        raise Unusable("%s: %s" % (path, error.strerror)) from error
    machine = next((l for l in lines if l.startswith("# ")), "")
    times = {}
    for row in csv.DictReader(l for l in lines if not l.startswith("#")):
        try:
            times[row["kernel"], row["shape"]] = float(row["median_us"]), float(row["min_us"])
        except (KeyError, TypeError, ValueError) as error:
            raise Unusable("%s: not written by bench --csv" % path) from error
    if not times:
        raise Unusable("%s: holds no case" % path)
    return times, machine


def middle(values):
    values, half = sorted(values), len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def verdict(a, b, bound):
    """(median, spread, best, slower) of one case, whose (median, minimum) were `a` and `b`, run by run."""
    ratios = sorted(x / y for (x, _), (y, _) in zip(a, b))
    median, half = middle(ratios), len(ratios) // 2
    spread = max(median - middle(ratios[:half]), middle(ratios[-half:]) - median) if half else 0.0
    best = min(x for _, x in a) / min(y for _, y in b)
    return median, spread, best, median + spread < bound and best < bound


def compare(pairs, bound):
    """Prints a line for each case of both; returns the names of those that are slower."""
    runs = [(read(a), read(b)) for a, b in pairs]
    machines = {machine for pair in runs for _, machine in pair}
    if len(machines) > 1:
        raise Unusable("runs of different machines: %s" % " | ".join(sorted(machines)))
    first_a, first_b = runs[0][0][0], runs[0][1][0]
    cases = [case for case in first_a if all(case in a and case in b for (a, _), (b, _) in runs)]
    if not cases:
        raise Unusable("A and B have no case in common")
    print("%-32s %-24s %11s %11s %7s %7s %7s" % ("kernel", "shape", "A us", "B us", "A/B", "spread", "best"))
    slower = []
    for case in cases:
        times_a, times_b = [a[case] for (a, _), _ in runs], [b[case] for _, (b, _) in runs]
        median, spread, best, is_slower = verdict(times_a, times_b, bound)
        print("%-32s %-24s %11.1f %11.1f %7.3f %7.3f %7.3f%s" % (
            *case, middle([m for m, _ in times_a]), middle([m for m, _ in times_b]), median, spread, best,
            "  slower" if is_slower else ""))
        if is_slower:
            slower.append("%s:%s" % case)
    for name, only, other in (("A", first_a, first_b), ("B", first_b, first_a)):
        alone = sorted("%s:%s" % case for case in only if case not in other)
        if alone:
            print("only in %s: %s" % (name, ", ".join(alone)))
    return slower


def main(arguments):
    bound, paths = 0.95, []
    for argument in arguments:
        if argument.startswith("--bound="):
            bound = float(argument[len("--bound="):])
        else:
            paths.append(argument)
    if not paths or len(paths) % 2:
        print("error: expected pairs of csv files, A and B in turn", file=sys.stderr)
        return 2
    try:
        slower = compare(list(zip(paths[::2], paths[1::2])), bound)
    except Unusable as error:
        print("error: %s" % error, file=sys.stderr)
        return 2
    if slower:
        print("slower than %.2f of A's speed: %s" % (bound, ", ".join(slower)))
        return 1
    print("no case is slower than %.2f of A's speed" % bound)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
