#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/golden/optim.h: parameters after 100 steps of PyTorch's optimisers, in double. Debian's python3-torch:

    /usr/bin/python3 tests/golden/make_optim.py > tests/golden/optim.h

Element i of the parameter begins as sin(i + 1); its gradient at step t is sin(0.1 t (i + 1)) / 2 + 0.3 p.
"""
import torch

COUNT, STEPS = 11, 100
CASES = [
    ("kSgd", lambda p: torch.optim.SGD(p, lr=0.01)),
    ("kSgdMomentum", lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9, weight_decay=0.02)),
    ("kAdam", lambda p: torch.optim.Adam(p, lr=0.005, betas=(0.5, 0.999), weight_decay=0.02)),
    ("kAdamAmsgrad", lambda p: torch.optim.Adam(p, lr=0.005, amsgrad=True)),
    ("kAdamW", lambda p: torch.optim.AdamW(p, lr=0.005, weight_decay=0.05, eps=1e-6)),
    ("kAdamWClipped", lambda p: torch.optim.AdamW(p, lr=0.005, weight_decay=0.05)),
]
print("// SPDX-License-Identifier: Apache-2.0")
print("// Made by make_optim.py with PyTorch %s. One element of a case is a parameter after %d steps." %
      (torch.__version__, STEPS))
print("#pragma once\n\n#include <vector>\n\nnamespace assay::golden {\n")
index = torch.arange(COUNT, dtype=torch.float64) + 1
for name, make in CASES:
    p = torch.nn.Parameter(torch.sin(index))
    optimizer = make([p])
    for t in range(1, STEPS + 1):
        p.grad = torch.sin(0.1 * t * index) / 2 + 0.3 * p.detach()
        if name.endswith("Clipped"):
            torch.nn.utils.clip_grad_norm_([p], 0.1)
        optimizer.step()
    print("inline const std::vector<double> %s = {%s};" % (name, ", ".join("%.9g" % v for v in p.detach())))
print("\n}  // namespace assay::golden")
