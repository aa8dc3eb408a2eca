#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/autograd.safetensors: values and gradients of operations and of a layer in PyTorch.

    /usr/bin/python3 tests/golden/make_autograd.py tests/golden/autograd.safetensors      # python3-torch 1.13

Of each case OPERATION.CASE: inputs in0, in1, ..., out, the gradient grad_out that is given to it, and grad0, grad1, ...
that come of it. Inputs are float32, all arithmetic is in double.
"""
import json
import math
import struct
import sys

import torch
import torch.nn.functional as F

from make_dinomaly import mined_loss, philox

torch.manual_seed(0)
tensors = {}


def case(name, shapes, function):
    """Inputs are normal with deviation 1; those near 0, where activations have their kink, are moved away."""
    inputs = []
    for shape in shapes:
        x = torch.randn(shape)
        x = torch.where(x.abs() < 0.05, x + 0.1, x)
        inputs.append(x.double().requires_grad_())
    out = function(*inputs)
    grad_out = torch.randn(out.shape).float()
    grads = torch.autograd.grad(out, inputs, grad_out.double())
    for i, (x, grad) in enumerate(zip(inputs, grads)):
        tensors["%s.in%d" % (name, i)] = x.detach().float()
        tensors["%s.grad%d" % (name, i)] = grad.float()
    tensors[name + ".out"] = out.detach().float()
    tensors[name + ".grad_out"] = grad_out


def heads_of(qkv, heads):
    b, t, c = qkv.shape
    return qkv.reshape(b, t, 3, heads, c // 3 // heads).permute(2, 0, 3, 1, 4)


def merged(y):
    b, h, t, c = y.shape
    return y.transpose(1, 2).reshape(b, t, h * c)


def attention(qkv, heads):
    q, k, v = heads_of(qkv, heads)
    return merged(torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]), dim=-1) @ v)


def linear_attention(qkv, heads):
    q, k, v = heads_of(qkv, heads)
    q, k = F.elu(q) + 1, F.elu(k) + 1
    return merged((q @ (k.transpose(-1, -2) @ v)) / (q * k.sum(dim=-2, keepdim=True)).sum(dim=-1, keepdim=True))


def dropout(x, probability, seed, stream):
    words = philox(seed, stream, (x.numel() + 3) // 4).ravel()[:x.numel()]
    kept = torch.tensor((words >> 8) >= math.ceil(probability * 2 ** 24)).reshape(x.shape)
    return x * kept / (1 - probability)


case("activation.gelu", [(3, 7)], F.gelu)
case("activation.relu", [(3, 7)], F.relu)
case("activation.relu6", [(3, 7)], lambda x: F.relu6(4 * x))
case("activation.elu_plus_one", [(3, 7)], lambda x: F.elu(x) + 1)
case("add.same_shape", [(2, 3, 5), (2, 3, 5)], torch.add)
case("add.row", [(2, 3, 5), (5,)], torch.add)
case("add.difference", [(2, 3, 5), (3, 5)], torch.sub)
case("attention.two_heads", [(2, 5, 24)], lambda x: attention(x, 2))
case("dropout.quarter", [(5, 7)], lambda x: dropout(x, 0.25, 3, 11))
case("layer_norm.affine", [(2, 3, 9), (9,), (9,)], lambda x, g, b: F.layer_norm(x, (9,), g, b, 1e-6))
case("linear.bias", [(2, 3, 5), (4, 5), (4,)], F.linear)
case("linear.no_bias", [(6, 5), (4, 5)], F.linear)
case("linear_attention.two_heads", [(2, 5, 24)], lambda x: linear_attention(x, 2))
case("map_cosine.plain", [(3, 4, 5), (3, 4, 5)],
     lambda a, b: (1 - F.cosine_similarity(a.flatten(1), b.flatten(1), dim=-1)).mean()[None])
case("map_cosine.mined", [(3, 4, 5), (3, 4, 5)], lambda a, b: mined_loss([a], [b * 1], 0.7, 0.1)[None])
case("multiply.same_shape", [(2, 3, 5), (2, 3, 5)], torch.mul)
case("multiply.row", [(2, 3, 5), (5,)], torch.mul)
case("reduce.sum", [(3, 7)], lambda x: x.sum()[None])
case("reduce.mean", [(3, 7)], lambda x: x.mean()[None])
case("reshape.flat", [(2, 3, 4)], lambda x: x.reshape(6, 4))
case("scale.factor", [(3, 7)], lambda x: -1.5 * x)
case("skip_tokens.two", [(2, 5, 3)], lambda x: x[:, 2:])
case("softmax.rows", [(2, 3, 7)], lambda x: torch.softmax(x, dim=-1))



# A block of a transformer; inputs 1 and on are its parameters in the order of their declaration.
def block(x, n1w, n1b, qkvw, qkvb, projw, projb, ls1, n2w, n2b, fc1w, fc1b, fc2w, fc2b, ls2):
    y = attention(F.linear(F.layer_norm(x, (12,), n1w, n1b, 1e-6), qkvw, qkvb), 3)
    x = x + F.linear(y, projw, projb) * ls1
    y = F.gelu(F.linear(F.layer_norm(x, (12,), n2w, n2b, 1e-6), fc1w, fc1b))
    return x + F.linear(y, fc2w, fc2b) * ls2


case("layers.block", [(2, 5, 12), (12,), (12,), (36, 12), (36,), (12, 12), (12,), (12,), (12,), (12,), (24, 12), (24,),
                      (12, 24), (12,), (12,)], block)


# Channels last, as the engine has them.
def images(x):
    return x.permute(0, 3, 1, 2)


def cells(y):
    return y.permute(0, 2, 3, 1)


def conv(x, weight, bias=None, stride=1, pad=1):
    return cells(F.conv2d(images(x), images(weight), bias, stride, pad))


def conv_transpose(x, weight, stride, pad):
    return cells(F.conv_transpose2d(images(x), images(weight), None, stride, pad))


case("batch_norm.maps", [(2, 3, 4, 5), (5,), (5,)],
     lambda x, g, b: cells(F.batch_norm(images(x), None, None, g, b, True, 0.1, 1e-5)))
case("concat.three", [(2, 3, 2), (2, 3, 5), (2, 3, 1)], lambda *parts: torch.cat(parts, dim=-1))
case("conv2d.bias", [(2, 4, 5, 3), (4, 3, 3, 3), (4,)], conv)
case("conv2d.stride", [(2, 5, 6, 3), (4, 3, 3, 3)], lambda x, w: conv(x, w, stride=2))
case("conv2d.point", [(2, 4, 4, 6), (4, 1, 1, 6)], lambda x, w: conv(x, w, stride=2, pad=0))
case("conv_transpose2d.side_by_side", [(2, 3, 2, 4), (4, 2, 2, 3)], lambda x, w: conv_transpose(x, w, 2, 0))
case("conv_transpose2d.over_each_other", [(1, 3, 3, 4), (4, 4, 4, 3)], lambda x, w: conv_transpose(x, w, 2, 1))

header, data = {}, b""
for name, t in tensors.items():
    raw = t.contiguous().numpy().tobytes()
    header[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[1], "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + data)
