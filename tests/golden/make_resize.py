#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints tests/golden/resize.txt: checksums of Pillow's resized images (Pillow 9.4).

    python3 tests/golden/make_resize.py > tests/golden/resize.txt

A line: filter, channels, height, width, out height, out width, FNV-1a 64 of the output bytes in hex.
The input is a generator's bytes, h(0), h(1), ...: state = state * 1664525 + 1013904223 mod 2^32 from state 12345,
byte = state >> 24, in the order (height, width, channel); every case starts afresh.
"""
import random

import numpy as np
import PIL
from PIL import Image


def noise(count):
    out = np.empty(count, np.uint8)
    state = 12345
    for i in range(count):
        state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
        out[i] = state >> 24
    return out


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return value


def cases():
    sides = [((1, 1), (1, 1)), ((1, 1), (5, 7)), ((5, 7), (1, 1)), ((1, 40), (8, 3)), ((40, 1), (3, 8)),
             ((16, 16), (16, 16)), ((16, 17), (16, 9)), ((17, 16), (9, 16)), ((64, 64), (32, 32)),
             ((63, 65), (31, 33)), ((33, 31), (64, 63)), ((100, 30), (30, 100)), ((48, 64), (224, 7)),
             ((2, 300), (2, 16)), ((300, 2), (16, 2)), ((7, 1100), (3, 2)), ((128, 96), (32, 32)),
             ((3, 3), (2, 2)), ((2, 2), (3, 3)), ((15, 15), (10, 10)), ((90, 110), (89, 111))]
    rng = random.Random(1)
    for _ in range(60):
        sides.append(tuple((rng.randint(1, 90), rng.randint(1, 90)) for _ in range(2)))
    return sides


def main():
    print(f'# Pillow {PIL.__version__}; made by tests/golden/make_resize.py')
    for (height, width), (out_height, out_width) in cases():
        for kind, channels, method in (('bilinear', 1, Image.BILINEAR), ('bilinear', 3, Image.BILINEAR),
                                       ('nearest', 1, Image.NEAREST)):
            pixels = noise(height * width * channels).reshape(height, width, channels)
            image = Image.fromarray(pixels[:, :, 0] if channels == 1 else pixels)
            out = np.asarray(image.resize((out_width, out_height), method))
            print(kind, channels, height, width, out_height, out_width, f'{fnv1a(out.tobytes()):016x}')


main()
