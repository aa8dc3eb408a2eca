# SPDX-License-Identifier: Apache-2.0
"""Turns the operands of one instruction into C++ expressions.

Registers are C++ variables: unsigned integers for the integer and bit types, float and double for f32 and f64, bool
for predicates. A value read as another type of the same size keeps its bits, a wider register is cut, and a write to a
wider register extends by the sign of the written type, as the manual has it for ld, cvt and mov.
"""

import re

from lexer import PtxError
from parser import integer
from syntax import TYPE_BYTES, Group, Memory, Name, Not, Number, Pair, Sum

SPECIAL_REGISTERS = {"%laneid": "u32", "%warpid": "u32", "%nwarpid": "u32", "%smid": "u32", "%nsmid": "u32",
                     "%gridid": "u64", "%clock": "u32", "%clock_hi": "u32", "%clock64": "u64", "%globaltimer": "u64",
                     "%globaltimer_lo": "u32", "%globaltimer_hi": "u32",
                     "%lanemask_eq": "u32", "%lanemask_le": "u32", "%lanemask_lt": "u32", "%lanemask_ge": "u32",
                     "%lanemask_gt": "u32", "%dynamic_smem_size": "u32", "%total_smem_size": "u32", "WARP_SZ": "u32"}
for _name in ("tid", "ntid", "ctaid", "nctaid"):
    for _axis in "xyz":
        SPECIAL_REGISTERS["%%%s.%s" % (_name, _axis)] = "u32"


def storage_type(ptx_type):
    """The C++ type of a register declared with `ptx_type`."""
    if ptx_type == "pred":
        return "bool"
    if ptx_type in ("f32", "f64"):
        return ptx_type
    return "u%d" % (8 * TYPE_BYTES[ptx_type])


def is_integer(cpp_type):
    return re.match(r"[us]\d+$", cpp_type) is not None


def value_type(ptx_type):
    """The C++ type that an instruction of this type computes with: bits are unsigned numbers."""
    return "u" + ptx_type[1:] if re.match(r"b\d+$", ptx_type) else ptx_type


def bytes_of(cpp_type):
    return 1 if cpp_type in ("bool", "pred") else TYPE_BYTES[cpp_type]


def identifier(ptx_name):
    """A C++ name for a PTX name; `.`, `$` and `%` do not exist in C++."""
    return re.sub(r"[^A-Za-z0-9_]", lambda match: "_%02x" % ord(match.group()) if match.group() != "%" else "",
                  ptx_name)


class Operands:
    """The operands of one instruction, within a function (see emit.py) whose names it looks up."""

    def __init__(self, function, scope, instruction, opcode, modifiers):
        self.opcode = opcode
        self.function = function
        self.scope = scope
        self.instruction = instruction
        self.modifiers = modifiers
        self.items = instruction.operands
        self.used = set()

    # Modifiers.

    def modifier(self, name):
        return self.modifiers.get(name)

    def has(self, name):
        return self.modifiers.get(name) is not None

    def fail(self, message):
        raise PtxError(self.instruction.line, "%s: %s" % (self.instruction.mnemonic, message))

    def count(self):
        return len(self.items)

    def operand(self, index):
        """The operand at an index; an operand (an element of a vector) stands for itself."""
        if not isinstance(index, int):
            return index
        if index >= len(self.items):
            self.fail("operand %d is missing" % index)
        self.used.add(index)
        return self.items[index]

    def check_all_used(self):
        """An operand that the translation has not looked at means a form that it does not know."""
        if len(self.used) != len(self.items):
            self.fail("%d operands, %d expected" % (len(self.items), len(self.used)))

    def vector(self, index):
        """The elements of {a, b, ...}, or the one operand."""
        item = self.operand(index)
        return item.items if isinstance(item, Group) else [item]

    def number(self, index):
        """An operand that must be an integer literal."""
        item = self.operand(index)
        if not isinstance(item, Number) or item.is_float:
            self.fail("operand %d must be a literal" % index)
        return integer(item.text.lstrip("-")) * (-1 if item.text.startswith("-") else 1)

    def is_predicate(self, index):
        item = self.operand(index)
        if isinstance(item, Not):
            return True
        register = self.function.register(self.scope, item.text) if isinstance(item, Name) else None
        return register is not None and register[0] == "bool"

    def label(self, index):
        """The C++ label of a branch's target."""
        return self.function.label(self.scope, self.operand(index).text)

    def site(self):
        """A reference to the source line of this instruction, for reports."""
        return self.function.site(self.instruction)

    # Reading.

    def read(self, index, ptx_type):
        """The value of an operand as the C++ type that stands for `ptx_type`."""
        item = self.operand(index)
        want = "bool" if ptx_type == "pred" else value_type(ptx_type)
        if isinstance(item, Not):
            return "!%s" % self.read(item.name, "pred")
        if isinstance(item, Number):
            return self.literal(item, want)
        if isinstance(item, Group):
            return self.pack(item, want)
        if isinstance(item, Sum):
            return self.convert("(%s + %d)" % (self.symbol(item.symbol), item.offset), "u64", want)
        if isinstance(item, Name):
            have, expression = self.name(item.text)
            return self.convert(expression, have, want)
        return self.fail("operand %r cannot be read" % (item,))

    def name(self, name):
        """(C++ type, expression) of a register, special register or symbol."""
        register = self.function.register(self.scope, name)
        if register:
            return register
        if name in SPECIAL_REGISTERS:
            return SPECIAL_REGISTERS[name], "special::%s(thread)" % identifier(name.lower().replace(".", "_"))
        return "u64", self.symbol(name)

    def symbol(self, name):
        expression = self.function.symbol(self.scope, name)
        if expression is None:
            self.fail("%s is not declared" % name)
        return expression

    def literal(self, number, want):
        text = number.text
        if not number.is_float:
            value = integer(text.lstrip("-")) * (-1 if text.startswith("-") else 1)
            if want == "bool":
                return "true" if value else "false"
            if is_integer(want):
                bits = 8 * bytes_of(want)
                return "%s(0x%xull)" % (want, value & ((1 << min(bits, 64)) - 1))
            if want in ("f32", "f64"):
                return "%s(%d)" % (want, value)
            return "bits<%s>(u%d(0x%x))" % (want, 8 * bytes_of(want), value & ((1 << 8 * bytes_of(want)) - 1))
        prefix = text[:2].lower()
        if prefix == "0f":
            return self.convert("bits<f32>(0x%su)" % text[2:], "f32", want)
        if prefix == "0d":
            if want == "f32":
                return "f32(bits<f64>(0x%sull))" % text[2:]
            return self.convert("bits<f64>(0x%sull)" % text[2:], "f64", want)
        return "%s(%s)" % (want, text)

    def convert(self, expression, have, want):
        """`expression` of C++ type `have` as type `want`: the same bits, or the low ones."""
        if have == want:
            return expression
        if is_integer(have) and is_integer(want):
            return "%s(%s)" % (want, expression)
        if "bool" in (have, want):
            return self.fail("a predicate and a value are no substitutes")
        have_bytes, want_bytes = bytes_of(have), bytes_of(want)
        if have_bytes == want_bytes:
            return "bits<%s>(%s)" % (want, expression)
        if is_integer(have) and have_bytes > want_bytes:
            return "bits<%s>(u%d(%s))" % (want, 8 * want_bytes, expression)
        return self.fail("a value of type %s is read as %s" % (have, want))

    def pack(self, group, want):
        """{low, ..., high} as one value."""
        num_bits = 8 * bytes_of(want) // len(group.items)
        parts = ["%s(%s) << %d" % ("u%d" % (8 * bytes_of(want)), self.read(item, "b%d" % num_bits), index * num_bits)
                 for index, item in enumerate(group.items)]
        return self.convert("(%s)" % " | ".join(parts), "u%d" % (8 * bytes_of(want)), want)

    # Writing.

    def write(self, index, ptx_type, expression):
        """A statement that writes `expression`, whose C++ type stands for `ptx_type`, to an operand."""
        item = self.operand(index)
        have = "bool" if ptx_type == "pred" else value_type(ptx_type)
        if isinstance(item, Group):
            return self.unpack(item, have, expression)
        if isinstance(item, Name) and item.text == "_":
            return "(void)(%s);" % expression
        register = self.function.register(self.scope, item.text) if isinstance(item, Name) else None
        if not register:
            return self.fail("%r is no register" % (item,))
        want, name = register
        return "%s = %s;" % (name, self.widen(expression, have, want))

    def widen(self, expression, have, want):
        if is_integer(want) and not is_integer(have) and bytes_of(want) > bytes_of(have) and have != "bool":
            return "bits<u%d>(%s)" % (8 * bytes_of(have), expression)
        return self.convert(expression, have, want)

    def unpack(self, group, have, expression):
        num_bits = 8 * bytes_of(have) // len(group.items)
        whole = "u%d" % (8 * bytes_of(have))
        statements = ["const %s whole = %s;" % (whole, self.convert(expression, have, whole))]
        for position, item in enumerate(group.items):
            if not (isinstance(item, Name) and item.text == "_"):
                statements.append(self.write(item, "b%d" % num_bits,
                                             "u%d(whole >> %d)" % (num_bits, position * num_bits)))
        return "{ %s }" % " ".join(statements)

    def results(self, index=0):
        """(first, second) of p|q; second is None where there is no pair."""
        item = self.operand(index)
        return (item.first, item.second) if isinstance(item, Pair) else (item, None)

    # Memory.

    def address(self, index):
        """The address in [base + offset] as a u64; which space it is in, the instruction says."""
        item = self.operand(index)
        if not isinstance(item, Memory):
            return self.fail("operand %r is no address" % (item,))
        base = self.read(item.base, "u64")
        return "%s + s64(%d)" % (base, item.offset) if item.offset else base
