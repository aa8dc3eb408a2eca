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
text.append("}  // namespace assay::testing")
pathlib.Path(__file__).with_name("map_kernels.h").write_text("\n".join(text) + "\n")
