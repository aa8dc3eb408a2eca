# SPDX-License-Identifier: Apache-2.0
"""Integer arithmetic: ptx/integer.h."""

from table import instruction

_ALL = "type=u16|s16|u32|s32|u64|s64"


def _binary(o, function, type_name, result=None):
    value = "%s(%s, %s)" % (function, o.read(1, type_name), o.read(2, type_name))
    return o.write(0, result or type_name, value)


def wide(type_name):
    return type_name[0] + str(2 * int(type_name[1:]))


@instruction("add " + _ALL, "sub " + _ALL)
def add_sub(o):
    return _binary(o, o.opcode + "_int", o.modifier("type"))


@instruction("add sat type=s32", "sub sat type=s32")
def add_sub_saturating(o):
    return _binary(o, o.opcode + "_sat", "s32")


@instruction("add type=u16x2|s16x2")
def add_packed(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "both([](auto x, auto y) { return add_int(x, y); }, %s, %s)" % (
        o.read(1, type_name), o.read(2, type_name)))


@instruction("add cc=cc type=u32|s32|u64|s64|b32|b64", "addc [cc=cc] type=u32|s32|u64|s64|b32|b64",
             "sub cc=cc type=u32|s32|u64|s64|b32|b64", "subc [cc=cc] type=u32|s32|u64|s64|b32|b64")
def add_sub_carry(o):
    type_name = o.modifier("type")
    function = "sub_borrow" if o.opcode.startswith("sub") else "add_carry"
    carry_in = "carry" if o.opcode.endswith("c") else "false"
    carry_out = "carry" if o.has("cc") else "ignored"
    return "{ bool ignored; (void)ignored; %s }" % o.write(0, type_name, "%s(%s, %s, %s, %s)" % (
        function, o.read(1, type_name), o.read(2, type_name), carry_in, carry_out))


@instruction("mul part=lo|hi " + _ALL)
def mul(o):
    return _binary(o, "mul_" + o.modifier("part"), o.modifier("type"))


@instruction("mul wide type=u16|s16|u32|s32")
def mul_wide(o):
    type_name = o.modifier("type")
    return _binary(o, "mul_wide", type_name, wide(type_name))


@instruction("mul24 part=lo|hi type=u32|s32")
def mul24(o):
    return _binary(o, "mul24_" + o.modifier("part"), o.modifier("type"))


def _multiply_add(o, product, type_name):
    return o.write(0, type_name, "add_int(%s(%s, %s), %s)" % (
        product, o.read(1, type_name), o.read(2, type_name), o.read(3, type_name)))


@instruction("mad part=lo|hi " + _ALL)
def mad(o):
    return _multiply_add(o, "mul_" + o.modifier("part"), o.modifier("type"))


@instruction("mad24 part=lo|hi type=u32|s32")
def mad24(o):
    return _multiply_add(o, "mul24_" + o.modifier("part"), o.modifier("type"))


@instruction("mad wide type=u16|s16|u32|s32")
def mad_wide(o):
    type_name = o.modifier("type")
    return o.write(0, wide(type_name), "add_int(mul_wide(%s, %s), %s)" % (
        o.read(1, type_name), o.read(2, type_name), o.read(3, wide(type_name))))


@instruction("mad hi sat type=s32")
def mad_hi_saturating(o):
    return o.write(0, "s32", "add_sat(mul_hi(%s, %s), %s)" % tuple(o.read(i, "s32") for i in (1, 2, 3)))


@instruction("mad part=lo|hi cc=cc type=u32|s32|u64|s64", "madc part=lo|hi [cc=cc] type=u32|s32|u64|s64")
def mad_carry(o):
    type_name = o.modifier("type")
    return "{ bool ignored; (void)ignored; %s }" % o.write(0, type_name, "add_carry(mul_%s(%s, %s), %s, %s, %s)" % (
        o.modifier("part"), o.read(1, type_name), o.read(2, type_name), o.read(3, type_name),
        "carry" if o.opcode == "madc" else "false", "carry" if o.has("cc") else "ignored"))


@instruction("div " + _ALL, "rem " + _ALL, "min " + _ALL, "max " + _ALL)
def divide_or_extremum(o):
    return _binary(o, o.opcode + "_int", o.modifier("type"))


@instruction("min type=u16x2|s16x2", "max type=u16x2|s16x2")
def extremum_packed(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "both([](auto x, auto y) { return %s_int(x, y); }, %s, %s)" % (
        o.opcode, o.read(1, type_name), o.read(2, type_name)))


@instruction("min relu type=s32", "max relu type=s32")
def extremum_relu(o):
    return o.write(0, "s32", "max_int(s32(0), %s_int(%s, %s))" % (o.opcode, o.read(1, "s32"), o.read(2, "s32")))


@instruction("abs type=s16|s32|s64", "neg type=s16|s32|s64")
def abs_neg(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "%s_int(%s)" % (o.opcode, o.read(1, type_name)))


@instruction("sad " + _ALL)
def sad(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "sad(%s)" % ", ".join(o.read(i, type_name) for i in (1, 2, 3)))


@instruction("dp4a a=u32|s32 b=u32|s32")
def dp4a(o):
    return o.write(0, "u32", "dp4a(%s, %s, %s)" % (o.read(1, o.modifier("a")), o.read(2, o.modifier("b")),
                                                   o.read(3, "u32")))


@instruction("dp2a part=lo|hi a=u32|s32 b=u32|s32")
def dp2a(o):
    return o.write(0, "u32", "dp2a(%s, %s, %s, %s)" % (
        o.read(1, o.modifier("a")), o.read(2, o.modifier("b")), o.read(3, "u32"),
        "true" if o.modifier("part") == "hi" else "false"))
