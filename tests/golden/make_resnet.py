#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/resnet: small residual networks of random weights, one of basic blocks and one of wide bottlenecks,
and the outputs of their stages in double.

    /usr/bin/python3 tests/golden/make_resnet.py tests/golden/resnet               # python3-torch 1.13
    /usr/bin/python3 tests/golden/make_resnet.py DIR resnet18 wide_resnet50_2      # torchvision's, not committed

The small ones are torchvision's class with fewer channels, written out here, since there the stem's width is fixed.
"""
import json
import os
import struct
import sys

import torch
import torch.nn.functional as F

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
torch.manual_seed(0)


def save_safetensors(path, tensors):
    names = {torch.float32: "F32", torch.uint8: "U8", torch.int64: "I64"}
    header, data = {}, b""
    for name, t in sorted(tensors.items(), key=lambda item: -item[1].element_size()):  # wide ones first: aligned
        raw = t.contiguous().numpy().tobytes()
        header[name] = {"dtype": names[t.dtype], "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def small_weights(base, blocks, is_bottleneck, factor):
    w = {}

    def conv(name, norm, i, o, k):
        w[name + ".weight"] = torch.randn(o, i, k, k) * (2 / (i * k * k)) ** 0.5
        for part in ("weight", "bias", "running_mean", "running_var"):
            w[f"{norm}.{part}"] = torch.zeros(o)
        w[norm + ".num_batches_tracked"] = torch.tensor(1)

    conv("conv1", "bn1", 3, base, 7)
    channels = base
    for stage, count in enumerate(blocks):
        planes = base << stage
        o = planes * 4 if is_bottleneck else planes
        inside = planes * factor
        for b in range(count):
            name = f"layer{stage + 1}.{b}"
            sides = [(channels, inside, 1), (inside, inside, 3), (inside, o, 1)] if is_bottleneck else \
                    [(channels, inside, 3), (inside, o, 3)]
            for i, (ci, co, k) in enumerate(sides):
                conv(f"{name}.conv{i + 1}", f"{name}.bn{i + 1}", ci, co, k)
            if channels != o or (stage > 0 and b == 0):
                conv(f"{name}.downsample.0", f"{name}.downsample.1", channels, o, 1)
            channels = o
    w["fc.weight"], w["fc.bias"] = torch.zeros(2, channels), torch.zeros(2)
    return w


def randomise_norms(w):
    for name, t in w.items():
        is_norm = name.replace("weight", "running_var").replace("bias", "running_var") in w
        if name.endswith("running_var"):
            w[name] = 0.5 + torch.rand(t.shape)
        elif name.endswith("running_mean") or (is_norm and name.endswith("bias")):
            w[name] = 0.1 * torch.randn(t.shape)
        elif is_norm and name.endswith("weight"):
            w[name] = 0.5 + 0.5 * torch.rand(t.shape)
    return w


def stages(d, x):
    def conv(x, name, norm, stride):
        k = d[name + ".weight"].shape[2]
        y = F.conv2d(x, d[name + ".weight"], stride=stride, padding=k // 2)
        return F.batch_norm(y, *[d[f"{norm}.{p}"] for p in ("running_mean", "running_var", "weight", "bias")], eps=1e-5)

    x = F.max_pool2d(F.relu(conv(x, "conv1", "bn1", 2)), 3, 2, 1)
    for stage in range(1, 5):
        b = 0
        while f"layer{stage}.{b}.conv1.weight" in d:
            name, stride = f"layer{stage}.{b}", 2 if stage > 1 and b == 0 else 1
            is_bottleneck = name + ".conv3.weight" in d
            y = F.relu(conv(x, name + ".conv1", name + ".bn1", 1 if is_bottleneck else stride))
            y = conv(y, name + ".conv2", name + ".bn2", stride if is_bottleneck else 1)
            if is_bottleneck:
                y = conv(F.relu(y), name + ".conv3", name + ".bn3", 1)
            if name + ".downsample.0.weight" in d:
                x = conv(x, name + ".downsample.0", name + ".downsample.1", stride)
            x = F.relu(x + y)
            b += 1
        yield x


def torchvision_stages(model, x):
    x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    for layer in (model.layer1, model.layer2, model.layer3, model.layer4):
        x = layer(x)
        yield x


def write(name, w, run, sizes):
    save_safetensors(os.path.join(out, name + ".safetensors"), w)
    expected = {}
    for h, v in sizes:
        image = torch.randint(0, 256, (h, v, 3), dtype=torch.uint8)
        expected[f"{h}x{v}.image"] = image
        x = (image.double() / 255 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
        with torch.no_grad():
            for i, y in enumerate(run(x.permute(2, 0, 1)[None].double())):
                expected[f"{h}x{v}.layer{i + 1}"] = y[0].permute(1, 2, 0).reshape(-1, y.shape[1]).float()
    save_safetensors(os.path.join(out, name + ".expected.safetensors"), expected)


if len(sys.argv) == 2:
    for name, shape in (("basic", (4, [2, 1, 1, 1], False, 1)), ("wide", (2, [1, 2, 1, 1], True, 2))):
        w = randomise_norms(small_weights(*shape))
        d = {k: t.double() for k, t in w.items()}
        write(name, w, lambda x: stages(d, x), [(32, 32), (47, 33), (32, 64)])
for name in sys.argv[2:]:
    import torchvision

    model = getattr(torchvision.models, name)(weights=None)
    model.load_state_dict(randomise_norms(dict(model.state_dict())))
    model.eval()
    w = {k: t.clone() for k, t in model.state_dict().items()}
    model.double()
    write(name, w, lambda x: torchvision_stages(model, x), [(256, 256), (224, 320)])
