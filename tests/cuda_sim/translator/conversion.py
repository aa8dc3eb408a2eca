# SPDX-License-Identifier: Apache-2.0
"""cvt: ptx/convert.h."""

from float_arithmetic import ROUNDING
from table import instruction

_INTEGER = "u8|u16|u32|u64|s8|s16|s32|s64"


def _is_float(type_name):
    return type_name in ("f16", "bf16", "f32", "f64")


@instruction("cvt [sat] to=%s from=%s" % (_INTEGER, _INTEGER))
def integer_to_integer(o):
    to, source = o.modifier("to"), o.modifier("from")
    return o.write(0, to, "int_to_int<%s>(%s, %s)" % (to, o.read(1, source), "true" if o.has("sat") else "false"))


@instruction("cvt round=rn|rz|rm|rp [ftz] [sat] to=f16|bf16|f32|f64 from=%s" % _INTEGER)
def integer_to_float(o):
    return _to_float(o)


@instruction("cvt round=rni|rzi|rmi|rpi [ftz] [sat] to=%s from=f16|bf16|f32|f64" % _INTEGER)
def float_to_integer(o):
    to, source = o.modifier("to"), o.modifier("from")
    return o.write(0, to, "float_to_int<%s, %s>(%s)" % (to, ROUNDING[o.modifier("round")], o.read(1, source)))


@instruction("cvt round=rni|rzi|rmi|rpi [ftz] [sat] to=f16|bf16|f32|f64 from=f16|bf16|f32|f64")
def round_to_integral(o):
    to = o.modifier("to")
    if to != o.modifier("from"):
        o.fail("rounding to an integral value keeps the format")
    value = "to_integral<%s>(%s)" % (ROUNDING[o.modifier("round")], o.read(1, to))
    return o.write(0, to, "saturate(%s)" % value if o.has("sat") else value)


@instruction("cvt [round=rn|rz|rm|rp|rna] [ftz] [relu] [sat] [satfinite] to=f16|bf16|f32|f64 from=f16|bf16|f32|f64")
def float_to_float(o):
    return _to_float(o)


def _to_float(o):
    to, source = o.modifier("to"), o.modifier("from")
    rounding = ROUNDING[o.modifier("round")]
    if o.modifier("round") == "rna" and to != "bf16":
        o.fail("only bf16 is rounded away from zero")
    value = "to_float<%s, %s>(%s)" % (to, rounding, o.read(1, source))
    if o.has("satfinite"):
        if to not in ("f16", "bf16") or source != "f32":
            o.fail(".satfinite is known for f32 to a 16-bit format")
        value = "finite(%s)" % value
    if o.has("relu"):
        value = "relu(%s)" % value
    if o.has("sat"):
        value = "saturate(%s)" % value
    return o.write(0, to, value)


@instruction("cvt round=rn|rz [relu] [satfinite] to=f16x2|bf16x2 from=f32")
def pack_floats(o):
    to = o.modifier("to")
    value = "to_packed<%s, %s>(%s, %s)" % (to, ROUNDING[o.modifier("round")], o.read(1, "f32"), o.read(2, "f32"))
    if o.has("satfinite"):
        value = "both([](auto x) { return finite(x); }, %s)" % value
    if o.has("relu"):
        value = "relu(%s)" % value
    return o.write(0, to, value)


@instruction("cvt round=rna|rn|rz to=tf32 from=f32")
def to_tf32(o):
    return o.write(0, "b32", "to_tf32<%s>(%s)" % (ROUNDING[o.modifier("round")], o.read(1, "f32")))


@instruction("cvt pack sat to=u16|s16 from=s32")
def pack_two(o):
    return _pack(o, "0u")


@instruction("cvt pack sat to=u8|s8 from=s32 b32")
def pack_two_above(o):
    return _pack(o, o.read(3, "b32"))


def _pack(o, above):
    return o.write(0, "b32", "pack_saturated<%s>(%s, %s, %s)" % (o.modifier("to"), o.read(1, "s32"), o.read(2, "s32"),
                                                                 above))
