#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/pytorch: small files of torch.save. Run with Debian's python3-torch (1.13):

    /usr/bin/python3 tests/golden/make_pytorch_files.py tests/golden/pytorch

Element i of a tensor is i / 2 - 1 unless said otherwise, so the tests need no second file.
"""
import collections
import os
import pickle
import sys
import zipfile

import torch

out = sys.argv[1]
os.makedirs(out, exist_ok=True)


def ramp(*shape, dtype=torch.float32):
    count = 1
    for axis in shape:
        count *= axis
    return (torch.arange(count, dtype=torch.float64) / 2 - 1).reshape(shape).to(dtype)


state = collections.OrderedDict()
state["float32"] = ramp(2, 3)
state["float16"] = ramp(5, dtype=torch.float16)
state["bfloat16"] = ramp(5, dtype=torch.bfloat16)
state["float64"] = ramp(4, dtype=torch.float64)
state["transposed"] = ramp(3, 2).t()  # (2, 3), element (r, c) is (c * 2 + r) / 2 - 1
state["slice"] = ramp(4, 5)[1:3, 2:4]  # shares the storage of (4, 5)
state["counter"] = torch.tensor(7, dtype=torch.int64)
state["flags"] = torch.tensor([True, False])
state["empty"] = torch.zeros(0, 3)
state["parameter"] = torch.nn.Parameter(ramp(3))
state._metadata = {"": {"version": 1}}
torch.save(state, os.path.join(out, "zip.pth"))
torch.save(state, os.path.join(out, "legacy.pth"), _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "model": {"w": ramp(2)}, "note": "x"}, os.path.join(out, "nested.pth"))
torch.save({"a": {"w": ramp(2)}, "b": {"w": ramp(2)}}, os.path.join(out, "two_models.pth"))
torch.save([1, 2, 3], os.path.join(out, "list.pth"))


class Hostile:
    def __reduce__(self):
        return os.system, ("true",)


torch.save({"w": Hostile()}, os.path.join(out, "hostile.pth"))
with zipfile.ZipFile(os.path.join(out, "compressed.pth"), "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("archive/data.pkl", pickle.dumps({"x": "y" * 1000}, protocol=2))
