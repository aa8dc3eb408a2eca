#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Translates PTX to C++ that runs on the simulated GPU.

    ptx_to_cpp.py IN.ptx OUT.cc
    ptx_to_cpp.py --forms           lists the instructions that are known

Text that is not understood is an error. An instruction without a translation is listed on stderr and becomes an error
of the simulator when a thread reaches it.
"""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# Each of these adds its instructions to the table.
import atomics  # noqa: E402,F401
import bit_operations  # noqa: E402,F401
import comparison  # noqa: E402,F401
import control_flow  # noqa: E402,F401
import conversion  # noqa: E402,F401
import data_movement  # noqa: E402,F401
import float_arithmetic  # noqa: E402,F401
import integer_arithmetic  # noqa: E402,F401
import table  # noqa: E402
import tensor_operations  # noqa: E402,F401
import warp_operations  # noqa: E402,F401
from lexer import PtxError  # noqa: E402
from module_translator import ModuleTranslator  # noqa: E402
from parser import parse  # noqa: E402


def main(arguments):
    if arguments == ["--forms"]:
        for form in table.FORMS:
            print(form.grammar)
        return 0
    if len(arguments) != 2:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    source, target = arguments
    try:
        with open(source) as file:
            translator = ModuleTranslator(parse(file.read()), os.path.basename(source))
        text = translator.translate()
    except PtxError as error:
        print("error: %s: %s" % (source, error), file=sys.stderr)
        return 1
    with open(target, "w") as file:
        file.write(text)
    for what, count in sorted(translator.unknown.items()):
        print("%s: no translation of %s (%d times)" % (source, what, count), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
