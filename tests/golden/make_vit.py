#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/vit: a small DINOv2-like transformer of random weights and all tokens of each of its blocks.

    /usr/bin/python3 tests/golden/make_vit.py tests/golden/vit              # python3-torch 1.13
    /usr/bin/python3 tests/golden/make_vit.py DIR 384 12 6 14 37            # as large as ViT-S/14, not committed

weights.pth and weights.safetensors hold the same values; expected.safetensors the images and, per size, the tokens.
"""
import json
import os
import struct
import sys

import torch
import torch.nn.functional as F

out = sys.argv[1]
width, depth, heads, patch, grid = [int(a) for a in sys.argv[2:7]] or [16, 3, 2, 6, 5]
registers = 4
os.makedirs(out, exist_ok=True)
torch.manual_seed(0)


def save_safetensors(path, tensors):
    names = {torch.float32: "F32", torch.uint8: "U8"}
    header, data = {}, b""
    for name, t in sorted(tensors.items(), key=lambda item: item[1].dtype == torch.uint8):  # wide ones first: aligned
        raw = t.contiguous().numpy().tobytes()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


w = {
    "cls_token": torch.randn(1, 1, width),
    "pos_embed": torch.randn(1, 1 + grid * grid, width),
    "register_tokens": torch.randn(1, registers, width),
    "mask_token": torch.zeros(1, width),
    "patch_embed.proj.weight": torch.randn(width, 3, patch, patch) / (3 * patch * patch) ** 0.5,
    "patch_embed.proj.bias": torch.randn(width) * 0.1,
    "norm.weight": torch.ones(width),
    "norm.bias": torch.zeros(width),
}
for i in range(depth):
    for name, rows, cols in [("attn.qkv", 3 * width, width), ("attn.proj", width, width),
                             ("mlp.fc1", 4 * width, width), ("mlp.fc2", width, 4 * width)]:
        w[f"blocks.{i}.{name}.weight"] = torch.randn(rows, cols) / cols ** 0.5
        w[f"blocks.{i}.{name}.bias"] = torch.randn(rows) * 0.1
    for norm in ("norm1", "norm2"):
        w[f"blocks.{i}.{norm}.weight"] = 1 + 0.2 * torch.randn(width)
        w[f"blocks.{i}.{norm}.bias"] = 0.1 * torch.randn(width)
    for scale in ("ls1", "ls2"):
        w[f"blocks.{i}.{scale}.gamma"] = 0.5 + 0.2 * torch.randn(width)
torch.save(w, os.path.join(out, "weights.pth"))
save_safetensors(os.path.join(out, "weights.safetensors"), w)


def positions(h, v):
    """The trained grid brought to h x v cells by scale factors of (cells + 0.1) / grid, as DINOv2's code does."""
    cells = d["pos_embed"][:, 1:]
    if (h, v) != (grid, grid):
        cells = cells.reshape(1, grid, grid, width).permute(0, 3, 1, 2)
        cells = F.interpolate(cells, scale_factor=((h + 0.1) / grid, (v + 0.1) / grid), mode="bicubic")
        assert cells.shape[2:] == (h, v)
        cells = cells.permute(0, 2, 3, 1).reshape(1, h * v, width)
    return torch.cat([d["pos_embed"][:, :1], cells], dim=1)


def block(x, i):
    p = lambda name: d[f"blocks.{i}.{name}"]
    y = F.layer_norm(x, (width,), p("norm1.weight"), p("norm1.bias"), 1e-6)
    b, t, _ = y.shape
    q, k, v = F.linear(y, p("attn.qkv.weight"), p("attn.qkv.bias")).reshape(b, t, 3, heads, -1).permute(2, 0, 3, 1, 4)
    a = torch.softmax(q @ k.transpose(-1, -2) / (width // heads) ** 0.5, dim=-1) @ v
    a = F.linear(a.transpose(1, 2).reshape(b, t, width), p("attn.proj.weight"), p("attn.proj.bias"))
    x = x + a * p("ls1.gamma")
    y = F.layer_norm(x, (width,), p("norm2.weight"), p("norm2.bias"), 1e-6)
    y = F.linear(F.gelu(F.linear(y, p("mlp.fc1.weight"), p("mlp.fc1.bias"))), p("mlp.fc2.weight"), p("mlp.fc2.bias"))
    return x + y * p("ls2.gamma")


d = {name: t.double() for name, t in w.items()}  # so that the only rounding is the engine's
expected = {}
sizes = [(grid, grid), (3, 4), (7, 2), (1, 1)] if grid < 37 else [(28, 28), (20, 33)]
for h, v in sizes:
    image = torch.randint(0, 256, (h * patch, v * patch, 3), dtype=torch.uint8)
    expected[f"{h}x{v}.image"] = image
    x = (image.double() / 255 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    x = F.conv2d(x.permute(2, 0, 1)[None].double(), d["patch_embed.proj.weight"], d["patch_embed.proj.bias"], stride=patch)
    x = torch.cat([d["cls_token"], x.flatten(2).transpose(1, 2)], dim=1) + positions(h, v)
    x = torch.cat([x[:, :1], d["register_tokens"], x[:, 1:]], dim=1)
    for i in range(depth):
        x = block(x, i)
        expected[f"{h}x{v}.layer{i}"] = x.float()
save_safetensors(os.path.join(out, "expected.safetensors"), expected)
