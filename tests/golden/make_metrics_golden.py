#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes metrics.json beside this script: small cases with what scikit-learn and scikit-image say about them.

    python3 tests/golden/make_metrics_golden.py

Scores are multiples of 1/64, so that they are the same number in JSON, float32 and float64.
"""
import json
import os

import numpy as np
import skimage
import sklearn
from skimage.measure import label, regionprops
from sklearn.metrics import auc, average_precision_score, precision_recall_curve, roc_auc_score

FPR_LIMIT = 0.3


def rank_metrics(scores, labels):
    if len(set(labels)) < 2:
        return {"auroc": None, "ap": None, "f1max": None}
    precision, recall, _ = precision_recall_curve(labels, scores)
    total = precision + recall
    f1 = np.divide(2 * precision * recall, total, out=np.zeros_like(total), where=total > 0)
    return {
        "auroc": roc_auc_score(labels, scores),
        "ap": average_precision_score(labels, scores),
        "f1max": f1.max(),
    }


def overlap_and_fpr(maps, masks, flagged):
    """Mean over regions of the share flagged, and the share of normal pixels flagged; flagged(map) -> bool map."""
    overlaps, false_positives, normals = [], 0, 0
    for scores, mask in zip(maps, masks):
        hit = flagged(scores)
        overlaps += [hit[tuple(r.coords.T)].mean() for r in regionprops(label(mask))]
        false_positives += int((hit & (mask == 0)).sum())
        normals += int((mask == 0).sum())
    return float(np.mean(overlaps)), false_positives / normals


def aupro(maps, masks):
    everything = np.concatenate([m.ravel() for m in maps])
    pro, fpr = [0.0], [0.0]
    for threshold in np.unique(everything)[::-1]:
        p, f = overlap_and_fpr(maps, masks, lambda m: m >= threshold)
        pro.append(p)
        fpr.append(f)
    pro, fpr = np.array(pro), np.array(fpr)
    inside = fpr <= FPR_LIMIT
    cut = np.count_nonzero(inside)
    x, y = list(fpr[:cut]), list(pro[:cut])
    if x[-1] < FPR_LIMIT:
        share = (FPR_LIMIT - x[-1]) / (fpr[cut] - x[-1])
        y.append(y[-1] + share * (pro[cut] - y[-1]))
        x.append(FPR_LIMIT)
    return float(np.trapz(y, x)) / FPR_LIMIT


def aupro_200(maps, masks):
    low = min(float(m.min()) for m in maps)
    high = max(float(m.max()) for m in maps)
    if low == high:
        return None
    points = [overlap_and_fpr(maps, masks, lambda m: m > low + i * ((high - low) / 200)) for i in range(200)]
    pro, fpr = np.array([p for p in points if p[1] < FPR_LIMIT]).reshape(-1, 2).T
    if len(fpr) < 2 or fpr.max() == 0:
        return None
    return float(auc(fpr / fpr.max(), pro))


def pixel_case(name, maps, masks):
    maps = [np.asarray(m, dtype=np.float64) for m in maps]
    masks = [np.asarray(m, dtype=np.uint8) for m in masks]
    labels = np.concatenate([m.ravel() for m in masks])
    expected = rank_metrics(np.concatenate([m.ravel() for m in maps]), labels)
    both = 0 < labels.sum() < labels.size
    expected["aupro"] = aupro(maps, masks) if both else None
    expected["aupro_200"] = aupro_200(maps, masks) if both else None
    expected["num_regions"] = sum(len(regionprops(label(m))) for m in masks)
    images = [{"scores": m.tolist(), "mask": k.tolist()} for m, k in zip(maps, masks)]
    return {"name": name, "images": images, "expected": expected}


def random_maps(rng, shapes, levels, shift):
    maps, masks = [], []
    for height, width in shapes:
        mask = np.zeros((height, width), np.uint8)
        for _ in range(rng.integers(0, 4)):
            y, x = rng.integers(0, height), rng.integers(0, width)
            mask[y : y + rng.integers(1, 5), x : x + rng.integers(1, 5)] = 1
        maps.append(np.floor(rng.uniform(0, levels, mask.shape) + mask * shift) / 64)
        masks.append(mask)
    return maps, masks


def main():
    rng = np.random.default_rng(20240601)
    ranks = []
    for name, n, levels in [("random", 60, 4096), ("many ties", 60, 6), ("two scores", 9, 2)]:
        labels = (rng.uniform(size=n) < 0.3).astype(int)
        scores = np.floor(rng.uniform(0, levels, n) + labels * levels / 4) / 64
        ranks.append((name, scores, labels))
    ranks.append(("all equal", np.full(7, 0.5), np.array([0, 1, 0, 0, 1, 0, 0])))
    ranks.append(("perfect", np.array([-2.0, -1.0, 0.0, 3.0, 4.0]), np.array([0, 0, 0, 1, 1])))
    ranks.append(("inverted", np.array([5.0, 4.0, 1.0, 0.5]), np.array([0, 0, 1, 1])))
    ranks.append(("only normal", np.array([1.0, 2.0]), np.array([0, 0])))
    ranks.append(("only anomalous", np.array([1.0, 2.0]), np.array([1, 1])))
    ranks = [
        {"name": n, "scores": s.tolist(), "labels": l.tolist(), "expected": rank_metrics(s, l)} for n, s, l in ranks
    ]

    pixels = []
    shapes = [(12, 9), (7, 16), (10, 10)]
    for name, levels, shift in [("random", 4096, 1500), ("many ties", 8, 3), ("weak", 4096, 300)]:
        pixels.append(pixel_case(name, *random_maps(rng, shapes, levels, shift)))
    diagonal = np.zeros((6, 6), np.uint8)
    diagonal[0, 0] = diagonal[1, 1] = diagonal[2, 2] = 1  # one region through corners
    diagonal[0, 4] = diagonal[1, 5] = diagonal[2, 4] = 1  # one more, against the diagonal
    diagonal[5, 0:2] = 1
    scores = np.floor(rng.uniform(0, 64, (6, 6)) + 16 * diagonal) / 64
    pixels.append(pixel_case("touching at corners", [scores], [diagonal]))
    pixels.append(pixel_case("all equal", [np.full((6, 6), 0.25)], [diagonal]))
    pixels.append(pixel_case("perfect", [diagonal * 1.0], [diagonal]))
    pixels.append(pixel_case("empty masks", [scores, scores], [0 * diagonal, 0 * diagonal]))
    pixels.append(pixel_case("all defect", [scores], [0 * diagonal + 1]))

    golden = {
        "made_by": "python3 tests/golden/make_metrics_golden.py",
        "with": {"numpy": np.__version__, "scikit-image": skimage.__version__, "scikit-learn": sklearn.__version__},
        "fpr_limit": FPR_LIMIT,
        "rank": ranks,
        "pixel": pixels,
    }
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "metrics.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write("{\n")
        f.write(",\n".join(f'"{k}": ' + dumps(v) for k, v in golden.items()))
        f.write("\n}\n")


def dumps(value):
    """One case a line."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(json.dumps(v, separators=(",", ":")) for v in value) + "\n]"
    return json.dumps(value)


if __name__ == "__main__":
    main()
