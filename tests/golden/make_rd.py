#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/rd.h: loss curves and scores of whole trainings of reverse distillation in PyTorch. Debian's
python3-torch:

    /usr/bin/python3 tests/golden/make_rd.py > tests/golden/rd.h

As in make_dinomaly.py, initial weights and the order of batches are drawn from the streams that the detector draws them
from, so that the file holds results alone. All in double; a second run in float32 tells how much of a difference is
rounding.
"""
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from make_dinomaly import GRIDS, IMAGES, SEED, batches, image_tokens, normals, philox

WIDTHS = (8, 12)  # of two levels; a cell of the second holds 2 x 2 of the first

# name, width of a bottleneck's 3 x 3 convolution as a multiple of a quarter of its output (0: basic blocks), levels are
# rectified, iterations. Deep networks have gradients that are nothing but rounding, of which Adam makes whole steps: the
# longer trainings of bottlenecks differ between double and float32.
CASES = [("kBasic", 0, False, 20), ("kBasicRectified", 0, True, 10), ("kWideBottleneck", 2, True, 4)]


def uniforms(seed, stream, count):
    """Two words a number."""
    w = philox(seed, stream, (count + 1) // 2).reshape(-1, 2)[:count]
    return ((w[:, 0] >> np.uint64(5)) << np.uint64(26) | w[:, 1] >> np.uint64(6)).astype(np.float64) * 2.0 ** -53


# ---- The network. Layers are made in the order in which the detector declares its parameters.

class Maker:
    def __init__(self):
        self.declared = 0

    def weight(self, shape, values):
        """values(stream, count); shape with channels last, returned with channels second."""
        flat = values(self.declared, int(np.prod(shape))).astype(np.float32)
        self.declared += 1
        return nn.Parameter(torch.tensor(flat).reshape(shape).permute(0, 3, 1, 2).contiguous())

    def conv(self, cin, cout, kernel, stride):
        layer = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, bias=False)
        deviation = np.sqrt(2 / (cout * kernel * kernel))
        layer.weight = self.weight((cout, kernel, kernel, cin), lambda s, n: deviation * normals(SEED, s, n))
        return self.normed(layer, cout)

    def upsample(self, cin, cout):
        layer = nn.ConvTranspose2d(cin, cout, 2, 2, bias=False)
        most = 1 / np.sqrt(cout * 4)
        layer.weight = self.weight((cin, 2, 2, cout), lambda s, n: most * (2 * uniforms(SEED, s, n) - 1))
        return self.normed(layer, cout)

    def normed(self, layer, cout):
        self.declared += 4  # weight, bias, running mean and variance
        return nn.ModuleList([layer, nn.BatchNorm2d(cout)])


def run(layer, x, size):
    y = layer[0](x)
    if isinstance(layer[0], nn.ConvTranspose2d):
        y = y[:, :, :size[0], :size[1]]
    return layer[1](y)


class Block(nn.Module):
    def __init__(self, maker, cin, cout, factor, how):
        super().__init__()
        resampled = lambda a, b, kernel: (maker.upsample(a, b) if how == "up" else
                                          maker.conv(a, b, kernel, 2 if how == "down" else 1))
        if factor == 0:
            self.steps = nn.ModuleList([resampled(cin, cout, 3), maker.conv(cout, cout, 3, 1)])
        else:
            inside = cout // 4 * factor
            self.steps = nn.ModuleList([maker.conv(cin, inside, 1, 1), resampled(inside, inside, 3),
                                        maker.conv(inside, cout, 1, 1)])
        self.shortcut = resampled(cin, cout, 1) if how != "none" or cin != cout else None

    def forward(self, x, size):
        y = x
        for i, step in enumerate(self.steps):
            y = run(step, F.relu(y) if i > 0 else y, size)
        return y + (x if self.shortcut is None else run(self.shortcut, x, size))


def stage(maker, count, cin, cout, factor, how):
    return nn.ModuleList([Block(maker, cin if i == 0 else cout, cout, factor, how if i == 0 else "none")
                          for i in range(count)])


def run_stage(blocks, x, size=None):
    for i, block in enumerate(blocks):
        x = block(F.relu(x) if i > 0 else x, size)
    return x


class Network(nn.Module):
    def __init__(self, factor, rectified):
        super().__init__()
        maker, (fine, coarse) = Maker(), WIDTHS
        self.rectified = rectified
        self.fusion = maker.conv(fine, coarse, 3, 2)
        self.embed = stage(maker, 3 if factor else 2, 2 * coarse, 2 * coarse, factor, "down")
        self.coarse = stage(maker, 3 if factor else 2, 2 * coarse, coarse, factor, "up")
        self.fine = stage(maker, 4 if factor else 2, coarse, fine, factor, "up")

    def forward(self, fine, coarse):
        fused = torch.cat([F.relu(run(self.fusion, fine, None)), coarse], 1)
        x = F.relu(run_stage(self.embed, fused))
        sums = [run_stage(self.coarse, x, coarse.shape[2:])]
        sums.append(run_stage(self.fine, F.relu(sums[0]), fine.shape[2:]))
        return [F.relu(s) if self.rectified else s for s in reversed(sums)]


# ---- Training

def levels_of(image, dtype):
    """A row of the grid holds the four finer cells, row by row, and then the coarse one."""
    height, width = GRIDS[image % 2]
    rows = torch.tensor(image_tokens(image, 4 * WIDTHS[0] + WIDTHS[1], 0), dtype=dtype)
    fine = rows[:, :4 * WIDTHS[0]].reshape(height, width, 2, 2, WIDTHS[0]).permute(4, 0, 2, 1, 3)
    coarse = rows[:, 4 * WIDTHS[0]:].reshape(height, width, WIDTHS[1]).permute(2, 0, 1)
    return fine.reshape(WIDTHS[0], 2 * height, 2 * width), coarse


def train(factor, rectified, iterations, dtype):
    network = Network(factor, rectified).to(dtype)
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-3, betas=(0.5, 0.999))
    losses = []
    for batch in batches(iterations):
        targets = [torch.stack(level) for level in zip(*(levels_of(i, dtype) for i in batch))]
        found = network(*targets)
        # Whole maps, flattened; the order of their elements does not matter.
        loss = sum((1 - F.cosine_similarity(a.flatten(1), b.flatten(1))).mean() for a, b in zip(targets, found))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    network.eval()
    scores = []
    with torch.no_grad():
        for image in (IMAGES - 2, IMAGES - 1):
            targets = [level[None] for level in levels_of(image, dtype)]
            maps = [1 - F.cosine_similarity(a, b)[None] for a, b in zip(targets, network(*targets))]
            coarse = F.interpolate(maps[1], size=maps[0].shape[2:], mode="bilinear", align_corners=False)
            scores += (maps[0] + coarse).flatten().tolist()
    return np.array(losses), np.array(scores)


def main():
    print("// SPDX-License-Identifier: Apache-2.0")
    print("// Made by make_rd.py with PyTorch %s: trainings of seed %d in double, and how far the same in float32 is from it."
          % (torch.__version__, SEED))
    print("// Scores are those of the finer cells of images %d and %d." % (IMAGES - 2, IMAGES - 1))
    print("#pragma once\n\n#include <vector>\n\nnamespace assay::golden {\n")
    print("struct RdTraining {\n  int width_factor;  // of a bottleneck; 0: basic blocks\n  bool is_rectified;\n"
          "  std::vector<double> losses;  // of each step\n  std::vector<double> scores;\n};\n")
    for name, factor, rectified, iterations in CASES:
        losses, scores = train(factor, rectified, iterations, torch.float64)
        losses32, scores32 = train(factor, rectified, iterations, torch.float32)
        print("// In float32: losses within %.1e of their own size, scores within %.1e." %
              (np.max(np.abs(losses32 / losses - 1)), np.max(np.abs(scores32 - scores))))
        listed = lambda v: "{%s}" % ", ".join("%.8g" % x for x in v)
        print("inline const RdTraining %s = {%d, %s, %s, %s};" %
              (name, factor, "true" if rectified else "false", listed(losses), listed(scores)))
        print(name, losses[0], losses[-1], file=sys.stderr)
    print("\n}  // namespace assay::golden")


if __name__ == "__main__":
    main()
