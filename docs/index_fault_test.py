#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The demonstration shows what docs/METHOD.md says it does."""
import math
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import index_fault as fault  # noqa: E402

SEEDS = range(60)


def check(condition, *what):
    if not condition:
        sys.exit("failed: " + " ".join(str(w) for w in what))


def near(values, expected, population):
    """Whether the mean is within five standard errors of what a random draw of the kept images would have."""
    kept = fault.KEEP * fault.IMAGES
    share = expected / 100
    one = 100 * math.sqrt(share * (1 - share) / kept * (population - kept) / (population - 1))
    return abs(statistics.mean(values) - expected) <= 5 * one / math.sqrt(len(values))


for alpha in (0.1, 0.2, 0.4):
    logged, actual, overlap = fault.measure(fault.published, alpha, SEEDS)
    check(statistics.mean(logged) < 6 * alpha, "published", alpha, "logs", statistics.mean(logged))
    check(near(actual, 100 * alpha, fault.IMAGES), "published", alpha, "trains on", statistics.mean(actual))
    check(near(overlap, 100 * fault.KEEP, fault.IMAGES), "published", alpha, "overlaps", statistics.mean(overlap))
    good_logged, good_actual, good_overlap = fault.measure(fault.fixed, alpha, SEEDS)
    check(good_logged == good_actual, "fixed", alpha, "trains on another set than it logs")
    check(set(good_overlap) == {100.0}, "fixed", alpha, "overlaps", set(good_overlap))
    check(good_logged == logged, alpha, "the same scores choose other images")

# The oracle: with a score that is the label, what is kept of the fixed code holds no anomaly, for any seed and order.
for seed in SEEDS:
    rng = fault.random.Random(seed)
    images = list(range(fault.IMAGES))
    hidden = set(rng.sample(images, 300))
    label = [int(image in hidden) for image in images]
    order = rng.sample(images, fault.IMAGES)
    _, given = fault.fixed(images, order, label)
    check(sum(label[i] for i in given) == 0, "fixed, oracle, seed", seed)
    _, given = fault.published(images, order, label)
    check(sum(label[i] for i in given) > 0, "published, oracle, seed", seed)

script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "index_fault.py")
printed = subprocess.run([sys.executable, script, "--seeds", "3"], capture_output=True, text=True, check=True).stdout
rows = [line.split() for line in printed.splitlines()[3:]]
check([row[:2] for row in rows] == [[str(a), name] for a in fault.ALPHAS for name in ("published", "fixed")], printed)
