#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/dinomaly.h: loss curves and scores of whole trainings of Dinomaly in PyTorch. Debian's python3-torch:

    /usr/bin/python3 tests/golden/make_dinomaly.py > tests/golden/dinomaly.h

Initial weights, order of batches and dropout masks are drawn here from the same Philox streams as the detector draws
them from (Salmon et al. 2011), so a training is decided by its seed and the file holds results alone. All in double;
the curve of a second run in float32 tells how much of a difference is rounding.
"""
import sys

import numpy as np
import torch
import torch.nn.functional as F

IMAGES, NORMAL, WIDTH, BLOCKS, BATCH, DROPOUT, SEED = 10, 9, 72, 4, 4, 0.2, 5
HEADS = 2  # heads of at least 64 channels or the next divisor: dinomaly_heads(72)
FEATURE_SEED, BATCH_STREAM, DROPOUTS_A_STEP = 7, 0x6261746368, 1 << 16
GRIDS = [(4, 4), (3, 5)]  # of image i: GRIDS[i % 2]

# name, recipe, groups, tokens before the cells, iterations
CASES = [("kTwoGroups", "dinomaly", 2, 0, 100), ("kOneGroup", "dinomaly", 1, 0, 100),
         ("kTokens", "dinomaly", 2, 5, 20), ("kLlbnad", "llbnad", 2, 0, 20), ("kShort", "dinomaly", 2, 0, 12)]


# ---- Philox streams

def philox(seed, stream, blocks):
    """The words of blocks 0 .. blocks - 1, (blocks, 4)."""
    low = np.uint64(0xFFFFFFFF)
    index = np.arange(blocks, dtype=np.uint64)
    x = [index & low, index >> np.uint64(32), np.full_like(index, stream & 0xFFFFFFFF), np.full_like(index, stream >> 32)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        a, b = x[0] * np.uint64(0xD2511F53), x[2] * np.uint64(0xCD9E8D57)
        x = [(b >> np.uint64(32)) ^ x[1] ^ np.uint64(k0), b & low, (a >> np.uint64(32)) ^ x[3] ^ np.uint64(k1), a & low]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return np.stack(x, axis=1)


def normals(seed, stream, count):
    """Box and Muller, a block a number."""
    w = philox(seed, stream, count)
    u = ((w[:, [0, 2]] >> np.uint64(5)) << np.uint64(26) | w[:, [1, 3]] >> np.uint64(6)).astype(np.float64) * 2.0 ** -53
    return np.sqrt(-2 * np.log(1 - u[:, 0])) * np.cos(6.283185307179586 * u[:, 1])


def truncated_normals(seed, stream, count):
    z = normals(seed, stream, count + count // 50 + 100)
    z = z[np.abs(z) <= 3][:count]
    assert len(z) == count
    return (0.01 * z).astype(np.float32)


class Words:
    """One word after the other."""

    def __init__(self, seed, stream):
        self.words, self.at = [int(w) for w in philox(seed, stream, 4096).ravel()], 0

    def below(self, n):
        most = (1 << 64) - 1
        while True:
            draw = self.words[self.at] << 32 | self.words[self.at + 1]
            self.at += 2
            if draw < most - most % n:
                return draw % n

    def permutation(self, n):
        order = list(range(n))
        for i in range(n - 1, 0, -1):
            j = self.below(i + 1)
            order[i], order[j] = order[j], order[i]
        return order


# ---- Features and batches

def image_tokens(image, width, prefix):
    """(tokens, width): what all tokens share, noise, and in the last image one odd cell."""
    height, across = GRIDS[image % 2]
    tokens = prefix + height * across
    base = normals(FEATURE_SEED, 1000, width)
    x = base + 0.7 * normals(FEATURE_SEED, image, tokens * width).reshape(tokens, width)
    if image >= NORMAL:
        x[-1] += 2 * normals(FEATURE_SEED, 2000, width)
    return x.astype(np.float32)


def batches(count):
    words, left = Words(SEED, BATCH_STREAM), []
    sizes = [[i for i in range(NORMAL) if GRIDS[i % 2] == grid] for grid in sorted(GRIDS)]
    for _ in range(count):
        if not left:
            cut = []
            for images in sizes:
                order = [images[at] for at in words.permutation(len(images))]
                size = min(len(order), BATCH)
                cut += [order[b:b + size] for b in range(0, len(order) - size + 1, size)]
            left = [cut[at] for at in words.permutation(len(cut))]
        yield left.pop()


# ---- The network

class Network(torch.nn.Module):
    def __init__(self, width, groups, dtype):
        super().__init__()
        self.width, self.groups = width, groups
        shapes = [("bottleneck.fc1", 4 * width, width), ("bottleneck.fc2", width, 4 * width)]
        for i in range(BLOCKS):
            p = "decoder.%d." % i
            shapes += [(p + "norm1", width, None), (p + "attn.qkv", 3 * width, width), (p + "attn.proj", width, width),
                       (p + "norm2", width, None), (p + "mlp.fc1", 4 * width, width), (p + "mlp.fc2", width, 4 * width)]
        self.values = {}
        for name, rows, cols in shapes:
            weight = np.ones(rows) if cols is None else truncated_normals(SEED, len(self.values), rows * cols)
            weight = torch.tensor(weight, dtype=dtype).reshape([rows] if cols is None else [rows, cols])
            self.values[name + ".weight"] = torch.nn.Parameter(weight)
            self.values[name + ".bias"] = torch.nn.Parameter(torch.zeros(rows, dtype=dtype))

    def linear(self, x, name):
        return F.linear(x, self.values[name + ".weight"], self.values[name + ".bias"])

    def norm(self, x, name):
        return F.layer_norm(x, (self.width,), self.values[name + ".weight"], self.values[name + ".bias"], 1e-8)

    def drop(self, x, step, which):
        if step is None:
            return x
        p = float(np.float32(DROPOUT))
        words = philox(SEED, step * DROPOUTS_A_STEP + which, (x.numel() + 3) // 4).ravel()[:x.numel()]
        kept = torch.tensor((words >> np.uint64(8)) >= np.ceil(p * 2 ** 24), dtype=x.dtype).reshape(x.shape)
        return x * kept * float(np.float32(1 / (1 - p)))

    def attention(self, x, name):
        b, t, c = x.shape
        q, k, v = self.linear(x, name + ".qkv").reshape(b, t, 3, HEADS, c // HEADS).permute(2, 0, 3, 1, 4)
        q, k = F.elu(q) + 1, F.elu(k) + 1
        y = (q @ (k.transpose(-1, -2) @ v)) / (q * k.sum(dim=-2, keepdim=True)).sum(dim=-1, keepdim=True)
        return self.linear(y.transpose(1, 2).reshape(b, t, c), name + ".proj")

    def forward(self, targets, step):
        """targets: of each group (B, tokens, C). step None: no dropout."""
        x = self.drop(sum(targets) / len(targets), step, 0)
        x = self.drop(F.gelu(self.linear(x, "bottleneck.fc1")), step, 1)
        x = self.drop(self.linear(x, "bottleneck.fc2"), step, 2)
        outputs = []
        for i in range(BLOCKS):
            p = "decoder.%d." % i
            x = x + self.attention(self.norm(x, p + "norm1"), p + "attn")
            x = x + self.linear(F.gelu(self.linear(self.norm(x, p + "norm2"), p + "mlp.fc1")), p + "mlp.fc2")
            outputs.insert(0, x)
        each = BLOCKS // self.groups
        return [sum(outputs[g * each:(g + 1) * each]) / each for g in range(self.groups)]


def point_distance(a, b):
    return 1 - F.cosine_similarity(a, b, dim=-1)


def mined_loss(targets, reconstructions, easy, factor):
    loss = 0
    for a, b in zip(targets, reconstructions):
        distance = point_distance(a, b).detach()
        hardest = torch.sort(distance.flatten(), descending=True).values[:max(1, int(distance.numel() * (1 - easy)))]
        scale = torch.where(distance < hardest[-1], factor, 1.0).to(b.dtype).unsqueeze(-1)
        b.register_hook(lambda grad, scale=scale: grad * scale)
        loss = loss + (1 - F.cosine_similarity(a.flatten(1), b.flatten(1), dim=-1)).mean()
    return loss / len(targets)


# ---- Training

class StableAdamW:
    """AdamW with amsgrad whose update shrinks where its root mean square, of g / sqrt(v), is above 1."""

    def __init__(self, parameters):
        self.state = [(p, torch.zeros_like(p), torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, rate):
        self.steps += 1
        c1, c2 = 1 - 0.9 ** self.steps, 1 - 0.999 ** self.steps
        for p, m, v, most in self.state:
            p *= 1 - rate * 1e-4
            m += 0.1 * (p.grad - m)
            v += 0.001 * (p.grad ** 2 - v)
            most.copy_(torch.maximum(most, v))
            below = (most / c2).sqrt() + 1e-10
            rms = (p.grad / below).square().mean().sqrt()
            p -= rate / c1 / max(1.0, rms.item()) * m / below


class Adam:
    def __init__(self, parameters):
        self.inner = torch.optim.Adam(parameters, lr=1, betas=(0.5, 0.999))

    def step(self, rate):
        self.inner.param_groups[0]["lr"] = rate
        self.inner.step()


def rate_of(recipe, step, iterations):
    if recipe == "llbnad":
        return 5e-3 if step < iterations * 4 // 5 else 5e-4
    warmup = min(100, iterations // 10)
    if step < warmup:
        return np.linspace(0, 2e-3, warmup)[step]
    return 2e-4 + (2e-3 - 2e-4) * (1 + np.cos(np.pi * (step - warmup) / (iterations - warmup))) / 2


def train(recipe, groups, prefix, iterations, dtype):
    width = WIDTH * groups
    images = [torch.tensor(image_tokens(i, width, prefix), dtype=dtype) for i in range(IMAGES)]
    network = Network(WIDTH, groups, dtype)
    parameters = list(network.values.values())
    optimizer = Adam(parameters) if recipe == "llbnad" else StableAdamW(parameters)
    losses = []
    for step, batch in enumerate(batches(iterations)):
        targets = torch.stack([images[i] for i in batch]).split(WIDTH, dim=-1)
        easy = 0.9 if recipe == "llbnad" else min(0.9 * step / max(1, min(1000, iterations // 5)), 0.9)
        found = network(targets, step)
        loss = mined_loss([a[:, prefix:] for a in targets], [b[:, prefix:] for b in found],
                          easy, 0.0 if recipe == "llbnad" else 0.1)
        for p in parameters:
            p.grad = None
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0 if recipe == "llbnad" else 0.1)
        optimizer.step(rate_of(recipe, step, iterations))
        losses.append(loss.item())
    scores = []
    with torch.no_grad():
        for image in images[-2:]:  # a normal one and the odd one
            targets = image[None].split(WIDTH, dim=-1)
            found = network(targets, None)
            each = [point_distance(a[0, prefix:], b[0, prefix:]) for a, b in zip(targets, found)]
            scores += (sum(each) / groups).tolist()
    return np.array(losses), np.array(scores)


def main():
    print("// SPDX-License-Identifier: Apache-2.0")
    print("// Made by make_dinomaly.py with PyTorch %s: trainings of seed %d in double, and how far the same in float32 is" %
          (torch.__version__, SEED))
    print("// from it. Scores are those of the cells of images %d and %d." % (IMAGES - 2, IMAGES - 1))
    print("#pragma once\n\n#include <cstdint>\n#include <string>\n#include <vector>\n\nnamespace assay::golden {\n")
    print("struct DinomalyTraining {\n  std::string recipe;\n  int64_t groups;\n  int64_t prefix;  // tokens before the cells"
          "\n  std::vector<double> losses;  // of each step\n  std::vector<double> scores;\n};\n")
    for name, recipe, groups, prefix, iterations in CASES:
        losses, scores = train(recipe, groups, prefix, iterations, torch.float64)
        losses32, scores32 = train(recipe, groups, prefix, iterations, torch.float32)
        print("// In float32: losses within %.1e of their own size, scores within %.1e." %
              (np.max(np.abs(losses32 / losses - 1)), np.max(np.abs(scores32 - scores))))
        listed = lambda v: "{%s}" % ", ".join("%.8g" % x for x in v)
        print("inline const DinomalyTraining %s = {\"%s\", %d, %d, %s, %s};" %
              (name, recipe, groups, prefix, listed(losses), listed(scores)))
        print(name, losses[0], losses[-1], scores[:16].max(), scores[-15:], file=sys.stderr)
    print("\n}  // namespace assay::golden")


if __name__ == "__main__":
    main()
