# SPDX-License-Identifier: Apache-2.0
"""Places the shared arrays of each kernel in its window.

Arrays that .func code uses have one place for all kernels of the module, because that code does not know which kernel
calls it; they come first. Between two arrays one granule of 16 bytes stays unused, so that the simulator sees a step
over an end, and an array that asks for alignment A stands at an odd multiple of A, so that no kernel gets more than it
asked for by luck.
"""

import dataclasses

from operands import identifier

_GRANULE = 16


@dataclasses.dataclass
class KernelLayout:
    arrays: list          # (name, offset, bytes)
    static_bytes: int     # what ptxas would count
    dynamic_offset: int


@dataclasses.dataclass
class Layouts:
    constants: list       # C++ lines that define the offsets
    kernels: dict         # kernel name -> KernelLayout


class _Window:
    def __init__(self):
        self.end = 0              # first byte behind the last array
        self.packed = 0           # without gaps
        self.arrays = []

    def copy(self):
        window = _Window()
        window.end, window.packed, window.arrays = self.end, self.packed, list(self.arrays)
        return window

    def free_offset(self, alignment):
        alignment = max(alignment, _GRANULE)
        start = self.end + _GRANULE if self.end else 0
        offset = (start + alignment - 1) // alignment * alignment
        return offset if offset // alignment % 2 == 1 else offset + alignment

    def add(self, variable):
        offset = self.free_offset(variable.alignment)
        self.end = (offset + variable.num_bytes() + _GRANULE - 1) // _GRANULE * _GRANULE
        self.packed = (self.packed + variable.alignment - 1) // variable.alignment * variable.alignment
        self.packed += variable.num_bytes()
        self.arrays.append((variable.name, offset, variable.num_bytes()))
        return offset


def _is_dynamic(variable):
    return variable.is_extern or variable.count == 0


def arrange(functions, module_shared):
    """`functions`: all FunctionTranslators of the module, after their translation."""
    helpers = [function for function in functions if not function.is_entry]
    common, offsets = _Window(), {}
    for helper in helpers:
        for variable in helper.shared_names:
            if not _is_dynamic(variable) and variable.name not in offsets:
                offsets[variable.name] = common.add(variable)
    # Dynamic arrays that helpers use need one place in all kernels too: behind the largest static part.
    dynamic_in_helper = any(_is_dynamic(v) for helper in helpers for v in helper.shared_names)
    alignment = max([v.alignment for v in module_shared.values() if _is_dynamic(v)], default=_GRANULE)
    windows = {}
    for kernel in functions:
        if not kernel.is_entry:
            continue
        window = common.copy()
        for variable in kernel.shared_names:
            if not _is_dynamic(variable) and variable.name not in offsets:
                window.add(variable)
        windows[kernel.ptx.name] = window
    dynamic = {name: window.free_offset(alignment) for name, window in windows.items()}
    if dynamic_in_helper and dynamic:
        largest = max(dynamic.values())
        dynamic = {name: largest for name in dynamic}

    layouts = Layouts([], {})
    for name, window in windows.items():
        layouts.kernels[name] = KernelLayout(window.arrays, window.packed, dynamic[name])
    for function in functions:
        if function.is_entry:
            places = {array[0]: array[1] for array in windows[function.ptx.name].arrays}
            dynamic_offset = dynamic[function.ptx.name]
        else:
            places, dynamic_offset = offsets, max(dynamic.values(), default=0)
        for variable in function.shared_names:
            offset = dynamic_offset if _is_dynamic(variable) else places[variable.name]
            layouts.constants.append("constexpr u64 kShared_%s_%s = %d;" % (
                identifier(function.ptx.name), identifier(variable.name), offset))
    return layouts
