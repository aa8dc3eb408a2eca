#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make_programs.py OUT.ptx OUT.cc IN.cases...: kernels that run the cases, and a table of what they must deliver."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from case_file import REGISTER, Block, encode, read  # noqa: E402

_LOAD = {"b16": "ld.global.b16", "b32": "ld.global.b32", "b64": "ld.global.b64", "f32": "ld.global.f32",
         "f64": "ld.global.f64"}
_SLOT = 8      # bytes of each value in the buffers
_HEAD = ".version 9.0\n.target sm_90\n.address_size 64\n"
_REGISTERS = """  .reg .pred %p<8>; .reg .b16 %h<16>; .reg .b32 %r<32>; .reg .f32 %f<24>; .reg .b64 %d<24>; .reg .f64 %g<8>;
  .reg .b64 %in, %out; .reg .b32 %t;
  ld.param.u64 %in, [input]; ld.param.u64 %out, [output]; mov.u32 %t, %tid.x;"""


class Output:
    def __init__(self):
        self.ptx = [_HEAD]
        self.words = []      # input and expected output of all kernels
        self.kernels = []    # C++ rows
        self.checks = []

    def kernel(self, name, lines):
        self.ptx.append(".visible .entry %s(.param .u64 input, .param .u64 output)\n{\n%s\n%s\n  ret;\n}\n" % (
            name, _REGISTERS, "\n".join(lines)))


def _row(block, row, first_input, first_output):
    """PTX of one case."""
    _, operands, results = row
    lines = ["  {"]
    operand_names, result_names = [], []
    slot = first_input
    for index, ((kind, _), value) in enumerate(zip(block.operands, operands)):
        if kind == "imm":
            operand_names.append(value)
            continue
        name = "%%a%d" % index
        operand_names.append(name)
        if kind == "pred":
            lines.append("  .reg .pred %s; .reg .b32 %sw; ld.global.b32 %sw, [%%in+%d]; setp.ne.b32 %s, %sw, 0;" % (
                name, name, name, slot * _SLOT, name, name))
        else:
            register = REGISTER[kind]
            lines.append("  .reg .%s %s; %s %s, [%%in+%d];" % (register, name, _LOAD[register], name, slot * _SLOT))
        slot += 1
    for index, (kind, _) in enumerate(block.results):
        result_names.append("%%z%d" % index)
        lines.append("  .reg .%s %%z%d;" % (REGISTER[kind], index))
    lines.append("  %s %s;" % (block.mnemonic, ", ".join(
        part for part in (block.result_text.format(*result_names), block.operand_text.format(*operand_names)) if part)))
    for index, (kind, _) in enumerate(block.results):
        place = "[%%out+%d]" % ((first_output + index) * _SLOT)
        if kind == "pred":
            lines.append("  .reg .b32 %%y%d; selp.b32 %%y%d, 1, 0, %%z%d; st.global.b32 %s, %%y%d;" % (
                index, index, index, place, index))
        else:
            lines.append("  st.global.%s %s, %%z%d;" % (REGISTER[kind], place, index))
    return lines + ["  }"]


def _add_block(out, block, name):
    lines, input_words, first_check, output_slots = [], [], len(out.checks), 0
    for row in block.rows:
        line, operands, results = row
        lines += _row(block, row, len(input_words) // 2, output_slots)
        for (kind, _), value in zip(block.operands, operands):
            if kind != "imm":
                raw = encode(value, kind)
                input_words += [raw & 0xffffffff, raw >> 32]
        for (kind, approximate), value in zip(block.results, results):
            what = "%s:%d %s %s" % (block.file, line, block.mnemonic, " ".join(operands))
            rule = "kAnything" if value == "?" else "kNan" if value == "nan" and kind == "f64" else (
                "kNear" if approximate else "kSame")
            raw = 0 if value == "?" else encode(value, kind)
            out.checks.append('    {"%s", Kind::k_%s, Rule::%s, %d, 0x%xull},' % (what, kind, rule, output_slots * _SLOT,
                                                                               raw))
            output_slots += 1
    out.kernel(name, lines)
    _add_kernel(out, name, 1, input_words, output_slots * _SLOT, first_check)


def _add_program(out, program, name):
    out.ptx += program.module
    out.kernel(name, ["  " + line for line in program.code])
    first_check = len(out.checks)
    for index, word in enumerate(program.output):
        out.checks.append('    {"%s:%d %s, word %d", Kind::k_b32, Rule::kSame, %d, 0x%xull},' % (
            program.file, program.line, program.name, index, index * 4, word))
    _add_kernel(out, name, program.threads, program.input, 4 * len(program.output), first_check, program.report)


def _add_kernel(out, name, threads, input_words, output_bytes, first_check, report=""):
    out.kernels.append('    {"%s", %d, %d, %d, %d, %d, %d, "%s"},' % (
        name, threads, len(out.words), len(input_words), output_bytes, first_check, len(out.checks) - first_check,
        report))
    out.words += input_words


def main(arguments):
    ptx_path, cc_path, sources = arguments[0], arguments[1], arguments[2:]
    out = Output()
    for source in sources:
        for item in read(source):
            name = "opcode_%s_%d" % (item.file.split(".")[0], item.line)
            (_add_block if isinstance(item, Block) else _add_program)(out, item, name)
    with open(ptx_path, "w") as file:
        file.write("\n".join(out.ptx))
    with open(cc_path, "w") as file:
        file.write('#include "tests/cuda_sim/opcodes/cases.h"\n\nnamespace assay::cuda_sim::opcodes {\n')
        for declaration, rows in (("const uint32_t kInput[]", ["    0x%x," % word for word in out.words or [0]]),
                                  ("const Check kChecks[]", out.checks), ("const Program kPrograms[]", out.kernels)):
            file.write("%s = {\n%s\n};\n" % (declaration, "\n".join(rows)))
        file.write("const int kNumPrograms = %d;\n}  // namespace assay::cuda_sim::opcodes\n" % len(out.kernels))


if __name__ == "__main__":
    main(sys.argv[1:])
