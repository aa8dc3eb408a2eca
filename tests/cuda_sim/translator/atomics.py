# SPDX-License-Identifier: Apache-2.0
"""atom and red: ptx/atomic.h."""

from data_movement import space_of
from operands import value_type
from table import instruction

_HEAD = "[order=relaxed|acquire|release|acq_rel] [scope=cta|cluster|gpu|sys] [space=global|shared|shared::cta] "
_HINT = "[hint=L2::cache_hint] "


def _forms(opcode):
    return (opcode + " " + _HEAD + "op=and|or|xor " + _HINT + "type=b32|b64",
            opcode + " " + _HEAD + "op=inc|dec " + _HINT + "type=u32",
            opcode + " " + _HEAD + "op=min|max " + _HINT + "type=u32|s32|u64|s64",
            opcode + " " + _HEAD + "op=add " + _HINT + "type=u32|s32|u64|s64|f32|f64",
            opcode + " " + _HEAD + "op=add noftz " + _HINT + "type=f16|f16x2|bf16|bf16x2",
            opcode + " " + _HEAD + "op=exch " + _HINT + "type=b32|b64")


def _operation(o, type_name):
    return "[](%s old, %s value) { return atomic_%s(old, value); }" % (type_name, type_name, o.modifier("op"))


@instruction(*_forms("atom"))
def atom(o):
    return _atomic(o, 1)


@instruction(*_forms("red")[:-1])
def red(o):
    return _atomic(o, 0)


def _atomic(o, address):
    """`address` is the index of the address: behind the result, or the first operand where there is none."""
    cpp_type = value_type(o.modifier("type"))
    if o.has("hint"):
        o.operand(address + 2)
    value = "atomic<%s, %s>(thread, %s, %s, %s, %s)" % (
        space_of(o), cpp_type, o.address(address), _operation(o, cpp_type), o.read(address + 1, o.modifier("type")),
        o.site())
    return o.write(0, o.modifier("type"), value) if address else value + ";"


@instruction("atom " + _HEAD + "cas " + _HINT + "type=b16|b32|b64")
def atom_cas(o):
    type_name = o.modifier("type")
    if o.has("hint"):
        o.operand(4)
    return o.write(0, type_name, "atomic_cas<%s, %s>(thread, %s, %s, %s, %s)" % (
        space_of(o), value_type(type_name), o.address(1), o.read(2, type_name), o.read(3, type_name), o.site()))


_VECTOR = ("[order=relaxed|acquire|release|acq_rel] [scope=cta|cluster|gpu|sys] [space=global] op=add " + _HINT +
           "vec=v2|v4 type=f32",
           "[order=relaxed|acquire|release|acq_rel] [scope=cta|cluster|gpu|sys] [space=global] op=add|min|max noftz " +
           _HINT + "vec=v2|v4|v8 type=f16|f16x2|bf16|bf16x2")


@instruction(*("atom " + form for form in _VECTOR))
def atom_vector(o):
    return _vector(o, 1)


@instruction(*("red " + form for form in _VECTOR))
def red_vector(o):
    return _vector(o, 0)


def _vector(o, address):
    type_name = o.modifier("type")
    values = o.vector(address + 1)
    if len(values) != int(o.modifier("vec")[1:]):
        o.fail("%d elements" % len(values))
    if o.has("hint"):
        o.operand(address + 2)
    call = "atomic_vector<%s, %s, %d>(thread, %s, %s, {{%s}}, %s)" % (
        space_of(o), type_name, len(values), o.address(address), _operation(o, type_name),
        ", ".join(o.read(value, type_name) for value in values), o.site())
    if not address:
        return call + ";"
    return "const auto old = %s; " % call + " ".join(
        o.write(target, type_name, "old.at[%d]" % index) for index, target in enumerate(o.vector(0)))
