#!/usr/bin/env python3
"""Writes map_kernels.h beside it: what scipy and torch make of small maps.

Made with scipy 1.10.1 and torch 1.13.1:  python3 tests/golden/make_map_kernels.py
"""
import pathlib

import numpy as np
import scipy.ndimage
import torch


def array(name, comment, values):
    numbers = ", ".join(f"{v:.9g}" for v in np.asarray(values, np.float64).ravel())
    return f"// {comment}\ninline const std::vector<double> {name} = {{{numbers}}};\n"


rng = np.random.default_rng(5)
map_ = np.round(rng.normal(size=(5, 7)) * 4, 2).astype(np.float32)
text = [
    "// SPDX-License-Identifier: Apache-2.0",
    "// Written by tests/golden/make_map_kernels.py.",
    "#pragma once",
    "",
    "#include <vector>",
    "",
    "namespace assay::testing {",
    "",
    array("kGoldenMap", "(5, 7)", map_),
]
for sigma, name in ((0.8, "kGoldenBlurSmall"), (4.0, "kGoldenBlurWide")):
    blurred = scipy.ndimage.gaussian_filter(map_.astype(np.float64), sigma)
    text.append(array(name, f"kGoldenMap through scipy.ndimage.gaussian_filter, sigma {sigma}", blurred))
for size, name in (((3, 11), "kGoldenResize3x11"), ((8, 2), "kGoldenResize8x2")):
    out = torch.nn.functional.interpolate(
        torch.from_numpy(map_).double()[None, None], size=size, mode="bilinear", align_corners=False
    )
    text.append(array(name, f"kGoldenMap through torch's bilinear interpolate to {size[0]} x {size[1]}", out.numpy()))
corners = torch.nn.functional.interpolate(
    torch.from_numpy(map_).double()[None, None], size=(8, 12), mode="bilinear", align_corners=True
)
text.append(array("kGoldenCorners8x12", "kGoldenMap through torch's bilinear interpolate, align_corners, to 8 x 12", corners))
for factors, name in (((8 / 5, 3 / 7), "kGoldenBicubic8x3"), (((3 + 0.1) / 5, (11 + 0.1) / 7), "kGoldenBicubic3x11")):
    out = torch.nn.functional.interpolate(
        torch.from_numpy(map_).double()[None, None], scale_factor=factors, mode="bicubic", align_corners=False
    )
    comment = f"kGoldenMap through torch's bicubic interpolate, scale factors {factors[0]:.6g} and {factors[1]:.6g}"
    text.append(array(name, comment, out.numpy()))
text.append("}  // namespace assay::testing")
pathlib.Path(__file__).with_name("map_kernels.h").write_text("\n".join(text) + "\n")
