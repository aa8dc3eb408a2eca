# SPDX-License-Identifier: Apache-2.0
"""Reads *.cases: what instructions must deliver, written from the manual.

Two forms. A block tests one mnemonic on values, one row a case; `=` separates operands from results:

    add.sat.s32    b32 : b32 b32
      0x7fffffff 1 = 0x7fffffff

The head names the kinds of the results, then those of the operands: registers b16 b32 b64 f32 f64 f16 bf16 f16x2 bf16x2
pred; `imm` stands for a literal, `[b16 b16]` for a vector, `pred|pred` for two results. Floating point values are
written as numbers (packed ones low,high), inf, nan, or as bits; `~` behind a result's kind allows a relative error of
2^-20, and `?` in place of a result allows anything.

A program is PTX of its own, for what needs memory or several threads:

    program name
      threads 32                    default 1
      in [lane * 3 for lane in range(32)]         32-bit words, a Python expression; at address %in
      module .shared .b32 word;     declarations outside the kernel
      | mov.u32 %r0, %t;            the code; %r %f %d %g %h %p registers, %t the thread, %in and %out pointers
      out [lane for lane in range(32)]            the words that must stand at %out afterwards
      report trap                   the launch ends with this fault and no other
"""

import dataclasses
import math
import re
import struct

import tensor_layouts

REGISTER = {"b16": "b16", "f16": "b16", "bf16": "b16", "b32": "b32", "f16x2": "b32", "bf16x2": "b32", "f32": "f32",
            "b64": "b64", "f64": "f64", "pred": "pred"}
_KIND = r"(?:imm|pred|b16|b32|b64|f16x2|bf16x2|f16|bf16|f32|f64)"


@dataclasses.dataclass
class Block:
    file: str
    line: int
    mnemonic: str
    results: list        # (separator before it, kind, is approximate)
    operands: list
    result_text: str     # with {0}, {1}... in place of registers
    operand_text: str
    rows: list           # (line, operand values, result values) as text


@dataclasses.dataclass
class Program:
    file: str
    line: int
    name: str
    threads: int
    input: list
    module: list
    code: list
    output: list
    report: str = ""


def read(path):
    """The blocks and programs of a file, in order."""
    items, current = [], None
    name = path.rsplit("/", 1)[-1]
    with open(path) as file:
        for number, text in enumerate(file, 1):
            if not text.strip() or text.lstrip().startswith("#"):
                continue
            if not text.startswith(" "):
                current = _head(name, number, text.strip())
                items.append(current)
            elif isinstance(current, Block):
                operands, _, results = text.partition("=")
                row = (number, operands.split(), results.split())
                if len(row[1]) != len(current.operands) or len(row[2]) != len(current.results):
                    raise ValueError("%s:%d: the row does not fit its head" % (name, number))
                current.rows.append(row)
            else:
                _program_line(current, text.strip(), number)
    return items


def _head(name, number, text):
    if text.startswith("program "):
        return Program(name, number, text.split()[1], 1, [], [], [], [])
    mnemonic, _, signature = text.partition(" ")
    results, colon, operands = signature.partition(":")
    if not colon:
        raise ValueError("%s:%d: a head is 'mnemonic results : operands'" % (name, number))
    result_kinds, result_text = _signature(results)
    operand_kinds, operand_text = _signature(operands)
    return Block(name, number, mnemonic, result_kinds, operand_kinds, result_text, operand_text, [])


def _signature(text):
    """[(kind, is approximate)] and the text of the operands with {index} for each."""
    kinds = []

    def register(match):
        kinds.append((match.group(1), match.group(2) == "~"))
        return "{%d}" % (len(kinds) - 1)

    text = text.strip().replace("[", "<").replace("]", ">")
    text = re.sub(r"(%s)(~?)" % _KIND, register, text)
    return kinds, ", ".join(text.split()).replace("<", "{{").replace(">", "}}").replace("{{, ", "{{")


def _program_line(program, text, number):
    word, _, rest = text.partition(" ")
    if word == "|":
        program.code.append(rest)
    elif word == "module":
        program.module.append(rest)
    elif word == "report":
        program.report = rest
    elif word == "threads":
        program.threads = int(rest)
    elif word in ("in", "out"):
        words = [value & 0xffffffff for value in eval(rest, dict(_EXPRESSION_NAMES))]
        if word == "in":
            program.input += words
        else:
            program.output += words
    else:
        raise ValueError("line %d: %r" % (number, text))


def encode(text, kind):
    """The bits of a value."""
    if kind.endswith("x2") and "," in text:
        low, high = text.split(",")
        return encode(low, kind[:-2]) | encode(high, kind[:-2]) << 16
    bits = {"pred": 1, "b16": 16, "f16": 16, "bf16": 16, "b64": 64, "f64": 64}.get(kind, 32)
    if re.match(r"-?(0x[0-9a-fA-F]+|0b[01]+)$", text) or kind in ("b16", "b32", "b64", "pred", "f16x2", "bf16x2"):
        return int(text, 0) & ((1 << bits) - 1)
    value = float(text)
    if kind == "f64":
        return 0x7fffffffffffffff if math.isnan(value) else struct.unpack("<Q", struct.pack("<d", value))[0]
    if kind == "f16":
        return 0x7fff if math.isnan(value) else struct.unpack("<H", struct.pack("<e", value))[0]
    if math.isnan(value):
        return 0x7fffffff if kind == "f32" else 0x7fff
    raw = struct.unpack("<I", struct.pack("<f", value))[0]
    if kind == "bf16":
        if raw & 0xffff:
            raise ValueError("%s is no bf16 number" % text)
        return raw >> 16
    return raw


_EXPRESSION_NAMES = {"f32": lambda x: encode(str(x), "f32"), "Mma": tensor_layouts.Mma,
                     "matrices": tensor_layouts.matrices, "matrix_fragments": tensor_layouts.matrix_fragments}


def mnemonics(items):
    """All instructions that the items execute."""
    for item in items:
        if isinstance(item, Block):
            if item.rows:
                yield item.mnemonic
            continue
        for line in [line for line in item.module if line.startswith(".func")] + item.code:
            for statement in re.split(r"[;{}]", line):
                match = re.match(r"\s*(?:[\w$]+:)?\s*(?:@!?%?\w+\s+)?([a-z][\w.:]*)", statement)
                if match and not match.group(1).endswith(":"):
                    yield match.group(1)
