# SPDX-License-Identifier: Apache-2.0
"""Comparison and selection: ptx/compare.h."""

from table import instruction

_ORDER = {"eq": "kEqual", "ne": "kNotEqual", "lt": "kLess", "le": "kLessEqual", "gt": "kGreater", "ge": "kGreaterEqual",
          "lo": "kLess", "ls": "kLessEqual", "hi": "kGreater", "hs": "kGreaterEqual"}
_INTEGER = "cmp=eq|ne|lt|le|gt|ge|lo|ls|hi|hs"
_FLOAT = "cmp=equ|neu|ltu|leu|gtu|geu|eq|ne|lt|le|gt|ge|num|nan"
_INTEGER_TYPE = "type=b16|b32|b64|u16|u32|u64|s16|s32|s64"
_JOIN = {"and": "&&", "or": "||", "xor": "!="}


def _test(o, a, b):
    """The comparison of two C++ expressions."""
    cmp = o.modifier("cmp")
    if cmp in ("num", "nan"):
        return "%sany_nan(%s, %s)" % ("!" if cmp == "num" else "", a, b)
    unordered = cmp.endswith("u") and cmp[:-1] in _ORDER
    order = _ORDER[cmp[:-1] if unordered else cmp]
    return "compare<Order::%s, %s>(%s, %s)" % (order, "true" if unordered else "false", a, b)


def _condition(o):
    return _test(o, o.read(1, o.modifier("type")), o.read(2, o.modifier("type")))


def _joined(o, condition, index):
    """`condition` combined with the predicate operand, as .and, .or and .xor have it."""
    join = o.modifier("join")
    return "(%s) %s (%s)" % (condition, _JOIN[join], o.read(index, "pred")) if join else condition


@instruction("setp %s [join=and|or|xor] %s" % (_INTEGER, _INTEGER_TYPE),
             "setp %s [join=and|or|xor] [ftz] type=f32|f16" % _FLOAT,
             "setp %s [join=and|or|xor] type=f64|bf16" % _FLOAT)
def setp(o):
    first, second = o.results()
    statements = ["const bool holds = %s;" % _condition(o)]
    if o.modifier("join"):
        statements.append("const bool other = %s;" % o.read(3, "pred"))
    operator = " %s other" % _JOIN[o.modifier("join")] if o.modifier("join") else ""
    statements.append(o.write(first, "pred", "holds" + operator))
    if second:
        statements.append(o.write(second, "pred", "!holds" + operator))
    return " ".join(statements)


@instruction("setp %s [join=and|or|xor] [ftz] type=f16x2" % _FLOAT, "setp %s [join=and|or|xor] type=bf16x2" % _FLOAT)
def setp_packed(o):
    """p|q are the results of the low and the high halves."""
    first, second = o.results()
    if second is None:
        o.fail("the packed forms have two results")
    type_name = o.modifier("type")
    statements = ["const auto left = %s; const auto right = %s;" % (o.read(1, type_name), o.read(2, type_name)),
                  "const auto test = [](auto x, auto y) { return %s; };" % _test(o, "x", "y")]
    if o.modifier("join"):
        statements.append("const bool other = %s;" % o.read(3, "pred"))
    operator = " %s other" % _JOIN[o.modifier("join")] if o.modifier("join") else ""
    statements.append(o.write(first, "pred", "test(left.low, right.low)" + operator))
    statements.append(o.write(second, "pred", "test(left.high, right.high)" + operator))
    return " ".join(statements)


@instruction("set %s [join=and|or|xor] result=u32|s32|f32 %s" % (_INTEGER, _INTEGER_TYPE),
             "set %s [join=and|or|xor] [ftz] result=u32|s32|f32|u16|s16|f16|bf16 type=f32|f64|f16|bf16" % _FLOAT)
def set_value(o):
    result = o.modifier("result")
    condition = _joined(o, _condition(o), 3)
    return o.write(0, result, "truth<%s>(%s)" % (result, condition))


@instruction("set %s [join=and|or|xor] [ftz] result=f16x2|bf16x2 type=f16x2|bf16x2" % _FLOAT,
             "set %s [join=and|or|xor] [ftz] result=u32|s32 type=f16x2|bf16x2" % _FLOAT)
def set_packed(o):
    """Each half of the result says how its halves compare: 1.0 or 0.0, or all ones or zero for u32 and s32."""
    type_name, result = o.modifier("type"), o.modifier("result")
    packed = result if result.endswith("x2") else "u16x2"
    join = " %s (%s)" % (_JOIN[o.modifier("join")], o.read(3, "pred")) if o.modifier("join") else ""
    value = ("[&](auto left, auto right) { const auto test = [&](auto x, auto y) { return (%s)%s; }; "
             "return %s{truth<%s>(test(left.low, right.low)), truth<%s>(test(left.high, right.high))}; }(%s, %s)" % (
                 _test(o, "x", "y"), join, packed, packed[:-2], packed[:-2], o.read(1, type_name), o.read(2, type_name)))
    return o.write(0, result, value if packed == result else "bits<%s>(%s)" % (result, value))


@instruction("selp type=b16|b32|b64|u16|u32|u64|s16|s32|s64|f32|f64")
def selp(o):
    type_name = o.modifier("type")
    return o.write(0, type_name, "(%s) ? %s : %s" % (o.read(3, "pred"), o.read(1, type_name), o.read(2, type_name)))


@instruction("slct [ftz] type=b16|b32|b64|u16|u32|u64|s16|s32|s64|f32|f64 by=s32|f32")
def slct(o):
    type_name, by = o.modifier("type"), o.modifier("by")
    return o.write(0, type_name, "%s >= 0 ? %s : %s" % (o.read(3, by), o.read(1, type_name), o.read(2, type_name)))
