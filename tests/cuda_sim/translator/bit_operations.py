# SPDX-License-Identifier: Apache-2.0
"""Logic, shifts and bit fields: ptx/bitwise.h."""

from table import instruction

_LOGIC = {"and": "&", "or": "|", "xor": "^"}


@instruction("and type=b16|b32|b64", "or type=b16|b32|b64", "xor type=b16|b32|b64")
def logic(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "u%s(%s %s %s)" % (type_name[1:], o.read(1, type_name), _LOGIC[o.opcode],
                                                    o.read(2, type_name)))


@instruction("and type=pred", "or type=pred", "xor type=pred")
def logic_predicate(o):
    return o.write(0, "pred", "(%s) %s (%s)" % (o.read(1, "pred"), {"and": "&&", "or": "||", "xor": "!="}[o.opcode],
                                                o.read(2, "pred")))


@instruction("not type=b16|b32|b64|pred")
def bit_not(o):
    type_name = o.modifier("type")
    if type_name == "pred":
        return o.write(0, "pred", "!(%s)" % o.read(1, "pred"))
    return o.write(0, type_name, "u%s(~%s)" % (type_name[1:], o.read(1, type_name)))


@instruction("cnot type=b16|b32|b64")
def cnot(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "u%s(%s == 0)" % (type_name[1:], o.read(1, type_name)))


@instruction("shl type=b16|b32|b64", "shr type=b16|b32|b64|u16|u32|u64|s16|s32|s64")
def shift(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "%s(%s, %s)" % (o.opcode, o.read(1, type_name), o.read(2, "u32")))


@instruction("shf direction=l|r mode=clamp|wrap type=b32")
def funnel_shift(o):
    return o.write(0, "b32", "shf_%s(%s, %s, %s, %s)" % (
        "left" if o.modifier("direction") == "l" else "right", o.read(1, "b32"), o.read(2, "b32"), o.read(3, "b32"),
        "true" if o.modifier("mode") == "wrap" else "false"))


@instruction("lop3 type=b32")
def lop3(o):
    return o.write(0, "b32", "lop3(%s)" % ", ".join(o.read(i, "b32") for i in (1, 2, 3, 4)))


@instruction("bfe type=u32|s32|u64|s64")
def bfe(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "bfe(%s, %s, %s)" % (o.read(1, type_name), o.read(2, "u32"), o.read(3, "u32")))


@instruction("bfi type=b32|b64")
def bfi(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "bfi(%s, %s, %s, %s)" % (o.read(1, type_name), o.read(2, type_name), o.read(3, "u32"),
                                                          o.read(4, "u32")))


@instruction("bmsk mode=clamp|wrap type=b32")
def bmsk(o):
    return o.write(0, "b32", "bmsk(%s, %s, %s)" % (o.read(1, "u32"), o.read(2, "u32"),
                                                   "true" if o.modifier("mode") == "clamp" else "false"))


@instruction("szext mode=clamp|wrap type=u32|s32")
def szext(o):
    type_name = o.modifier("type")
    width = o.read(2, "u32") if o.modifier("mode") == "clamp" else "(%s & 31)" % o.read(2, "u32")
    return o.write(0, type_name, "szext(%s, %s)" % (o.read(1, type_name), width))


@instruction("bfind [shiftamt] type=u32|s32|u64|s64")
def bfind(o):
    return o.write(0, "u32", "bfind(%s, %s)" % (o.read(1, o.modifier("type")),
                                                "true" if o.has("shiftamt") else "false"))


@instruction("brev type=b32|b64")
def brev(o):
    return o.write(0, o.modifier("type"), "brev(%s)" % o.read(1, o.modifier("type")))


@instruction("popc type=b32|b64", "clz type=b32|b64")
def count_bits(o):
    return o.write(0, "u32", "%s(%s)" % (o.opcode, o.read(1, o.modifier("type"))))


@instruction("fns type=b32")
def fns(o):
    return o.write(0, "b32", "fns(%s, %s, %s)" % (o.read(1, "b32"), o.read(2, "b32"), o.read(3, "s32")))


_PERMUTE = {None: "kIndex", "f4e": "kForward4", "b4e": "kBackward4", "rc8": "kReplicate8", "ecl": "kEdgeLeft",
            "ecr": "kEdgeRight", "rc16": "kReplicate16"}


@instruction("prmt type=b32 [mode=f4e|b4e|rc8|ecl|ecr|rc16]")
def prmt(o):
    return o.write(0, "b32", "prmt<Permute::%s>(%s)" % (_PERMUTE[o.modifier("mode")],
                                                        ", ".join(o.read(i, "b32") for i in (1, 2, 3))))
