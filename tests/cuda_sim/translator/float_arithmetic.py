# SPDX-License-Identifier: Apache-2.0
"""Floating point arithmetic: ptx/floating.h and ptx/approx.h."""

from table import instruction

ROUNDING = {None: "Round::kNearest", "rn": "Round::kNearest", "rz": "Round::kZero", "rm": "Round::kDown",
            "rp": "Round::kUp", "rna": "Round::kAway",
            "rni": "Round::kNearest", "rzi": "Round::kZero", "rmi": "Round::kDown", "rpi": "Round::kUp"}
_HALVES = "type=f16|f16x2|bf16|bf16x2"


def _call(o, function, operands, type_name=None):
    """function<rounding>(operands), with .sat and .relu."""
    type_name = type_name or o.modifier("type")
    rounding = "<%s>" % ROUNDING[o.modifier("round")] if o.modifier("round") not in (None, "rn") else ""
    value = "%s%s(%s)" % (function, rounding, ", ".join(o.read(index, type_name) for index in operands))
    if o.has("sat"):
        value = "saturate(%s)" % value
    if o.has("relu"):
        value = "relu(%s)" % value
    return o.write(0, type_name, value)


@instruction("add [round=rn|rz|rm|rp] [ftz] [sat] type=f32", "sub [round=rn|rz|rm|rp] [ftz] [sat] type=f32",
             "mul [round=rn|rz|rm|rp] [ftz] [sat] type=f32",
             "add [round=rn|rz|rm|rp] type=f64", "sub [round=rn|rz|rm|rp] type=f64", "mul [round=rn|rz|rm|rp] type=f64",
             "add [round=rn] [ftz] [sat] type=f16|f16x2", "sub [round=rn] [ftz] [sat] type=f16|f16x2",
             "mul [round=rn] [ftz] [sat] type=f16|f16x2",
             "add [round=rn] type=bf16|bf16x2", "sub [round=rn] type=bf16|bf16x2", "mul [round=rn] type=bf16|bf16x2")
def arithmetic(o):
    return _call(o, o.opcode, (1, 2))


@instruction("fma round=rn|rz|rm|rp [ftz] [sat] type=f32", "fma round=rn|rz|rm|rp type=f64",
             "fma round=rn [ftz] [sat] type=f16|f16x2", "fma round=rn [ftz] relu type=f16|f16x2",
             "fma round=rn [relu] type=bf16|bf16x2",
             "mad [round=rn|rz|rm|rp] [ftz] [sat] type=f32", "mad round=rn|rz|rm|rp type=f64")
def fma(o):
    return _call(o, "fma", (1, 2, 3))


@instruction("div round=rn|rz|rm|rp [ftz] type=f32", "div round=rn|rz|rm|rp type=f64",
             "div accuracy=approx|full [ftz] type=f32")
def div(o):
    return _call(o, "div", (1, 2))


@instruction("rcp round=rn|rz|rm|rp [ftz] type=f32", "rcp round=rn|rz|rm|rp type=f64", "rcp approx [ftz] type=f32",
             "sqrt round=rn|rz|rm|rp [ftz] type=f32", "sqrt round=rn|rz|rm|rp type=f64", "sqrt approx [ftz] type=f32")
def reciprocal_root(o):
    return _call(o, o.opcode, (1,))


@instruction("rcp approx ftz type=f64", "rsqrt approx ftz type=f64")
def approximate_f64(o):
    return o.write(0, "f64", "upper_half(%s(%s))" % (o.opcode, o.read(1, "f64")))


@instruction("rsqrt approx [ftz] type=f32", "rsqrt approx type=f64", "sin approx [ftz] type=f32",
             "cos approx [ftz] type=f32", "lg2 approx [ftz] type=f32", "ex2 approx [ftz] type=f32",
             "ex2 approx type=f16|f16x2", "ex2 approx ftz type=bf16|bf16x2",
             "tanh approx type=f32|f16|f16x2|bf16|bf16x2")
def approximate(o):
    return _call(o, o.opcode, (1,))


@instruction("neg [ftz] type=f32|f16|f16x2", "neg type=f64|bf16|bf16x2")
def neg(o):
    return _call(o, "flip_sign", (1,))


@instruction("abs [ftz] type=f32|f16|f16x2", "abs type=f64|bf16|bf16x2")
def absolute(o):
    return _call(o, "clear_sign", (1,))


@instruction("copysign type=f32|f64")
def copysign(o):
    return _call(o, "copysign", (1, 2))


@instruction("min [ftz] [NaN] [xorsign] [abs] type=f32|f16|f16x2", "max [ftz] [NaN] [xorsign] [abs] type=f32|f16|f16x2",
             "min [NaN] [xorsign] [abs] type=bf16|bf16x2", "max [NaN] [xorsign] [abs] type=bf16|bf16x2",
             "min type=f64", "max type=f64")
def extremum(o):
    type_name = o.modifier("type")
    if o.has("xorsign") != o.has("abs"):
        o.fail("xorsign and abs go together")
    return o.write(0, type_name, "extremum%s(%s, %s, %s, %s)" % (
        "_xorsign" if o.has("xorsign") else "", o.read(1, type_name), o.read(2, type_name),
        "true" if o.opcode == "max" else "false", "true" if o.has("NaN") else "false"))


@instruction("testp test=finite|infinite|number|notanumber|normal|subnormal type=f32|f64")
def testp(o):
    return o.write(0, "pred", "is_%s(%s)" % (o.modifier("test"), o.read(1, o.modifier("type"))))
