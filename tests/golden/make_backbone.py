#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/backbone from the PyTorch package that the weights come from.

    python3 tests/golden/make_backbone.py [--photographs]

Needs the packages of tools/weights/convert_efficientnet_lite0.py; --photographs
also cuts the photographs again from scikit-image's data folder. The network's
forward is the package's, in float64; its weights are replaced by the rounded
ones of models/weights, and each batch norm by the folded bias, so the golden
values test arithmetic and not rounding. What rounding changes is printed.
"""

import json
import os
import struct
import sys

import numpy as np
import torch
from PIL import Image

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tools", "weights"))
from convert_efficientnet_lite0 import conv_layers, load_original  # noqa: E402

OUT = os.path.join(ROOT, "tests", "golden", "backbone")
SIZES = [(64, 96), (75, 53), (33, 32)]
SAMPLES = 12
# name: file of scikit-image, crop to a square, size (width, height), classes of which one must be in the top 5
PHOTOGRAPHS = {
    "chelsea": ("chelsea.png", False, (170, 113), [281, 282, 285]),  # tabby, tiger cat, Egyptian cat
    "coffee": ("coffee.png", False, (170, 113), [967, 968]),  # espresso, cup
    "camera": ("camera.png", False, (139, 139), [872]),  # tripod
    "rocket": ("rocket.jpg", True, (144, 144), [657]),  # missile
}


def pattern(height, width):
    """An image that any language can make: smooth, of all values, not symmetric."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return (((3 * x * x + 5 * x * y + 7 * y * y) // 16 + 83 * c + 40 * (x // 9 % 2)) % 256).astype(np.uint8)


def read_safetensors(name):
    with open(os.path.join(ROOT, "models", "weights", name), "rb") as f:
        raw = f.read()
    n = struct.unpack("<Q", raw[:8])[0]
    dtypes = {"F16": "<f2", "F32": "<f4", "U8": "u1"}
    tensors = {}
    for key, t in json.loads(raw[8 : 8 + n]).items():
        if key != "__metadata__":
            begin, end = t["data_offsets"]
            tensors[key] = np.frombuffer(raw[8 + n + begin : 8 + n + end], dtypes[t["dtype"]]).reshape(t["shape"])
    return tensors


def as_double(array):
    return torch.from_numpy(array.astype(np.float64))


def load_rounded():
    tensors = read_safetensors("efficientnet_lite0.safetensors")
    tensors.update(read_safetensors("efficientnet_lite0_classifier.safetensors"))
    model = load_original()[0].double()
    with torch.no_grad():
        for name, conv, norm in conv_layers(model):
            conv.weight.copy_(as_double(tensors[name + ".weight"]))
            norm.weight.fill_(1)
            norm.running_mean.fill_(0)
            norm.running_var.fill_(1)
            norm.eps = 0.0
            norm.bias.copy_(as_double(tensors[name + ".bias"]))
        fc = (as_double(tensors["fc.weight"]) - 128) * as_double(tensors["fc.scale"])[:, None]
        model._fc.weight.copy_(fc)
        model._fc.bias.copy_(as_double(tensors["fc.bias"]))
    return model


def forward(model, image):
    """Levels by name, each (h, w, C), and the logits."""
    levels, hooks = {}, []

    def keep(name):
        return lambda module, args, out: levels.__setitem__(name, out[0].permute(1, 2, 0).numpy())

    for i, block in enumerate(model._blocks):
        hooks.append(block.register_forward_hook(keep(f"block{i}")))
        if block._block_args.expand_ratio != 1:
            relu6 = lambda name: lambda module, args, out: levels.__setitem__(  # noqa: E731
                name, out[0].clamp(0, 6).permute(1, 2, 0).numpy()
            )
            hooks.append(block._bn0.register_forward_hook(relu6(f"block{i}.expand")))
    hooks.append(
        model._bn0.register_forward_hook(
            lambda module, args, out: levels.__setitem__("stem", out[0].clamp(0, 6).permute(1, 2, 0).numpy())
        )
    )
    x = (torch.from_numpy(image.astype(np.float64)) - 127) / 128
    with torch.no_grad():
        logits = model(x.permute(2, 0, 1)[None])[0].numpy()
    for hook in hooks:
        hook.remove()
    return levels, logits


def cut_photographs():
    import skimage

    folder = os.path.join(os.path.dirname(skimage.__file__), "data")
    for name, (file, square, size, _) in PHOTOGRAPHS.items():
        image = Image.open(os.path.join(folder, file)).convert("RGB")
        if square:
            w, h = image.size
            s = min(w, h)
            image = image.crop(((w - s) // 2, (h - s) // 2, (w - s) // 2 + s, (h - s) // 2 + s))
        image.resize(size, Image.BICUBIC).save(os.path.join(OUT, name + ".png"), optimize=True)


def main():
    torch.set_num_threads(1)
    if "--photographs" in sys.argv:
        cut_photographs()
    model, original = load_rounded(), load_original()[0].double()
    worst = {}
    cases = []
    for height, width in SIZES:
        levels, _ = forward(model, pattern(height, width))
        case = {"height": height, "width": width, "levels": {}}
        for name in sorted(levels):
            flat = levels[name].reshape(-1)
            at = (np.arange(SAMPLES, dtype=np.int64) * 7919 + 11) % flat.size
            case["levels"][name] = {
                "shape": list(levels[name].shape),
                "norm": float(np.linalg.norm(flat)),
                "at": at.tolist(),
                "values": [float("%.9g" % v) for v in flat[at]],
            }
        cases.append(case)
    photographs = []
    for name, (_, _, _, classes) in PHOTOGRAPHS.items():
        image = np.array(Image.open(os.path.join(OUT, name + ".png")))
        levels, logits = forward(model, image)
        levels_original, logits_original = forward(original, image)
        for level, value in levels_original.items():
            error = np.linalg.norm(levels[level] - value) / np.linalg.norm(value)
            worst[level] = max(worst.get(level, 0), error)
        print(name, "top 5", np.argsort(-logits)[:5], "logits, rounded - original:", abs(logits - logits_original).max())
        photographs.append({"name": name, "classes": classes, "logits": [float("%.7g" % v) for v in logits]})
    for level in sorted(worst):
        print("%-16s rounding the weights changes it by %.2e of its norm, at most" % (level, worst[level]))
    with open(os.path.join(OUT, "efficientnet_lite0.json"), "w") as f:
        json.dump({"made_by": "python3 tests/golden/make_backbone.py", "cases": cases, "photographs": photographs}, f)
        f.write("\n")


if __name__ == "__main__":
    main()
