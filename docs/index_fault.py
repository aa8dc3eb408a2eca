#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The index fault of the published two-stage code, on plain numbers (docs/METHOD.md, section 7).

N images, a share alpha of them anomalous, get scores from a simulated detector. The set is wrapped in a shuffled order
and cut into K slices, every image is scored, the lowest are kept, the final detector is trained on them. Two ways:

  published  slices and the final set hold positions of the wrapped set, but are made from, and read as, image numbers:
             each access shuffles once more
  fixed      scores travel with image numbers; positions are mapped back to them once

`logged` is what a run reports: the contamination of the lowest scores, labels aligned with the scores. `actual` is that
of the images the final detector is given. `overlap` is the share of the chosen images that it is given.

    python3 docs/index_fault.py [--seeds N]
"""
import argparse
import random
import statistics

IMAGES, SUBSETS, KEEP = 1000, 5, 0.4
SEPARATION = 2.5  # of the scores' means, in deviations: an AUROC of 0.96
ALPHAS = (0.0, 0.1, 0.2, 0.4)


class Wrapped:
    """A data set seen through a list of positions, as torch.utils.data.Subset is."""

    def __init__(self, dataset, positions):
        self.dataset, self.positions = dataset, list(positions)

    def __getitem__(self, position):
        return self.dataset[self.positions[position]]

    def __len__(self):
        return len(self.positions)


def slices_of(order):
    size = len(order) // SUBSETS
    return [order[k * size:(k + 1) * size] for k in range(SUBSETS)]


def lowest(scores):
    return sorted(range(len(scores)), key=scores.__getitem__)[:int(KEEP * len(scores))]


def published(images, order, score):
    """Which images are chosen, and which the final detector gets."""
    training_set = Wrapped(images, order)
    slices = [Wrapped(training_set, part) for part in slices_of(order)]  # the fault: numbers of images as positions
    scored = [part[i] for part in slices for i in range(len(part))]
    kept = lowest([score[image] for image in scored])
    final_set = Wrapped(training_set, kept)  # the fault again: places among the scores as positions
    return [scored[p] for p in kept], [final_set[i] for i in range(len(kept))]


def fixed(images, order, score):
    slices = [Wrapped(images, part) for part in slices_of(order)]
    scored = [part[i] for part in slices for i in range(len(part))]
    kept = [scored[p] for p in lowest([score[image] for image in scored])]
    final_set = Wrapped(images, kept)
    return kept, [final_set[i] for i in range(len(kept))]


def contamination(images, anomalous):
    return 100 * sum(anomalous[image] for image in images) / len(images)


def measure(stage, alpha, seeds):
    """Over the seeds, in percent: logged, actual, overlap."""
    rows = []
    for seed in seeds:
        rng = random.Random(seed)
        images = list(range(IMAGES))
        hidden = set(rng.sample(images, round(alpha * IMAGES)))
        anomalous = [image in hidden for image in images]
        score = [rng.gauss(SEPARATION * is_anomalous, 1) for is_anomalous in anomalous]
        order = rng.sample(images, IMAGES)
        chosen, given = stage(images, order, score)
        overlap = 100 * len(set(chosen) & set(given)) / len(chosen)
        rows.append((contamination(chosen, anomalous), contamination(given, anomalous), overlap))
    return list(zip(*rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    seeds = range(parser.parse_args().seeds)
    print(f"{IMAGES} images, {SUBSETS} subsets, {100 * KEEP:.0f} % kept, {len(seeds)} seeds; percent, mean (deviation)\n")
    print(f"{'alpha':>5}  {'code':<9}  {'logged':>14}  {'actual':>14}  {'overlap':>14}")
    for alpha in ALPHAS:
        for stage in (published, fixed):
            columns = (f"{statistics.mean(c):6.2f} ({statistics.pstdev(c):5.2f})" for c in measure(stage, alpha, seeds))
            print(f"{alpha:5.1f}  {stage.__name__:<9}  " + "  ".join(f"{c:>14}" for c in columns))


if __name__ == "__main__":
    main()
