#!/usr/bin/env python3
"""Prints the rows of `compare --csv FILE` as a markdown table: means over seeds, in percent.

    tools/compare/summarise.py FILE

`closed` is (variant - single) / (clean - single) with the random single stage, in percent of the gap; empty where the gap is
under one point.
"""
import collections
import csv
import sys

FIGURES = ("image_auroc", "pixel_auroc", "pixel_aupro", "stage1_auroc", "alpha_kept", "alpha_estimated", "patches_cut")


def main(path):
    cells = collections.defaultdict(lambda: collections.defaultdict(list))
    with open(path, encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            for name in FIGURES:
                cells[(row["list"], row["variant"])][name].append(float(row[name]))
    mean = lambda key, name: 100 * sum(cells[key][name]) / len(cells[key][name])
    shown = lambda key, name: "" if min(cells[key][name]) < 0 else f"{mean(key, name):.1f}"
    print("| list | variant | seeds | I-AUROC | P-AUROC | P-AUPRO | stage 1 AUROC | kept, % anomalous | doubtful, % | "
          "patches cut, % | closed, % |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for head, variant in cells:
        single, clean = (head, "single random"), (head, "clean")
        closed = ""
        if single in cells and clean in cells and variant not in ("single random", "clean"):
            gap = mean(clean, "image_auroc") - mean(single, "image_auroc")
            if gap >= 1:
                closed = f"{100 * (mean((head, variant), 'image_auroc') - mean(single, 'image_auroc')) / gap:.0f}"
        key = (head, variant)
        print(f"| {head} | {variant} | {len(cells[key]['image_auroc'])} | " +
              " | ".join(shown(key, name) for name in FIGURES) + f" | {closed} |")


if __name__ == "__main__":
    main(*sys.argv[1:])
