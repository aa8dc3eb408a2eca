# SPDX-License-Identifier: Apache-2.0
"""Inputs and results of mma, ldmatrix and stmatrix cases, from the manual's formulas for each fragment.

g is the lane's group (lane / 4), t its place in the group (lane % 4), i the element. Small integers make every sum
exact, so that the order of the sums does not matter.
"""

import random
import struct

# shape, element -> (elements of A, (row, column) of A's element i; the same for B)
_FRAGMENTS = {
    ("m16n8k16", 2): (8, lambda g, t, i: (g if i < 2 or 4 <= i < 6 else g + 8, t * 2 + (i & 1) + (8 if i >= 4 else 0)),
                      4, lambda g, t, i: (t * 2 + (i & 1) + (8 if i >= 2 else 0), g)),
    ("m16n8k8", 2): (4, lambda g, t, i: (g if i < 2 else g + 8, t * 2 + (i & 1)),
                     2, lambda g, t, i: (t * 2 + i, g)),
    ("m16n8k8", 4): (4, lambda g, t, i: (g if i in (0, 2) else g + 8, t if i in (0, 1) else t + 4),
                     2, lambda g, t, i: (t if i == 0 else t + 4, g)),
    ("m16n8k4", 4): (2, lambda g, t, i: (g if i == 0 else g + 8, t), 1, lambda g, t, i: (t, g)),
    ("m16n8k16", 1): (8, lambda g, t, i: (g if i < 4 else g + 8, t * 4 + (i & 3)),
                      4, lambda g, t, i: (t * 4 + (i & 3), g)),
    ("m16n8k32", 1): (16, lambda g, t, i: (g if i < 4 or 8 <= i < 12 else g + 8,
                                           t * 4 + (i & 3) + (16 if i >= 8 else 0)),
                      8, lambda g, t, i: (t * 4 + (i & 3) + (16 if i >= 4 else 0), g)),
    ("m8n8k4", 8): (1, lambda g, t, i: (g, t), 1, lambda g, t, i: (t, g)),
}
_BYTES = {"f16": 2, "bf16": 2, "tf32": 4, "s8": 1, "u8": 1, "f64": 8, "f32": 4, "s32": 4}
_ROOM = 24      # words of input for each lane: A at 0, B at 8, C at 16


def _encode(value, kind):
    if kind in ("s8", "u8", "s32"):
        return (value & ((1 << 8 * _BYTES[kind]) - 1)).to_bytes(_BYTES[kind], "little")
    if kind == "bf16":
        return struct.pack("<f", value)[2:]
    if kind == "tf32":      # bits below tf32 that the tensor cores must not see
        return struct.pack("<I", struct.unpack("<I", struct.pack("<f", value))[0] | 0x1fff)
    return struct.pack({"f16": "<e", "f32": "<f", "f64": "<d"}[kind], value)


def _accumulator(shape, lane, i):
    g, t = lane // 4, lane % 4
    if shape == "m8n8k4":
        return g, t * 2 + (i & 1)
    return (g if i < 2 else g + 8), t * 2 + (i & 1)


class Mma:
    def __init__(self, shape, a_kind, b_kind, c_kind, scale=1):
        self.shape, self.kinds = shape, (a_kind, b_kind, c_kind)
        rows, k = int(shape[1:].split("n")[0]), int(shape.split("k")[1])
        source = random.Random(shape + a_kind + b_kind + c_kind)
        limits = {"u8": (0, 255), "s8": (-128, 127)}

        def matrix(height, width, kind):
            low, high = limits.get(kind, (-7, 7))
            return [[source.randint(low, high) for _ in range(width)] for _ in range(height)]

        self.a, self.b, self.c = matrix(rows, k, a_kind), matrix(k, 8, b_kind), matrix(rows, 8, c_kind)
        self.c = [[x * scale for x in row] for row in self.c]
        self.num_c = 2 if shape == "m8n8k4" else 4

    def input(self):
        num_a, place_a, num_b, place_b = _FRAGMENTS[self.shape, _BYTES[self.kinds[0]]]
        words = []
        for lane in range(32):
            g, t = lane // 4, lane % 4
            parts = []
            for matrix, kind, count, place in ((self.a, self.kinds[0], num_a, place_a),
                                               (self.b, self.kinds[1], num_b, place_b)):
                parts.append(b"".join(_encode(matrix[r][c], kind) for r, c in (place(g, t, i) for i in range(count))))
            parts.append(self._lane(self.c, lane))
            row = b"".join(part.ljust(32, b"\0") for part in parts)
            words += struct.unpack("<%dI" % _ROOM, row)
        return words

    def _lane(self, matrix, lane):
        places = [_accumulator(self.shape, lane, i) for i in range(self.num_c)]
        return b"".join(_encode(matrix[r][c], self.kinds[2]) for r, c in places)

    def output(self, low=None, high=None):
        """C + A B; integers clamped to [low, high] where given."""
        result = [[self.c[r][n] + sum(self.a[r][k] * self.b[k][n] for k in range(len(self.b))) for n in range(8)]
                  for r in range(len(self.c))]
        if high is not None:
            result = [[min(max(x, low), high) for x in row] for row in result]
        data = b"".join(self._lane(result, lane) for lane in range(32))
        return list(struct.unpack("<%dI" % (len(data) // 4), data))


def matrices():
    """Four 8 x 8 matrices of 16-bit numbers, element (m, r, c) = 1000 m + 10 r + c, row by row, as words."""
    return [_element(m, r, c) | _element(m, r, c + 1) << 16 for m in range(4) for r in range(8) for c in range(0, 8, 2)]


def _element(m, r, c):
    return 1000 * m + 10 * r + c


def matrix_fragments(count, transposed):
    """What each lane gets of matrices(): `count` registers, of row lane / 4, columns 2 (lane % 4) and the next."""
    words = []
    for lane in range(32):
        for m in range(count):
            pair = [(lane // 4, lane % 4 * 2 + i) for i in range(2)]
            low, high = [_element(m, c, r) if transposed else _element(m, r, c) for r, c in pair]
            words.append(low | high << 16)
    return words
