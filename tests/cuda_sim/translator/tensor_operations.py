# SPDX-License-Identifier: Apache-2.0
"""mma, ldmatrix, stmatrix: ptx/tensor.h."""

from table import instruction

_ELEMENTS = {"f16": "F16Element", "bf16": "Bf16Element", "tf32": "Tf32Element", "s8": "S8Element", "u8": "U8Element"}


def _registers(o, index, expected, type_name):
    items = o.vector(index)
    if len(items) != expected:
        o.fail("operand %d has %d registers, %d expected" % (index, len(items), expected))
    return ", ".join(o.read(item, type_name) for item in items)


def _fragment(o, num_a):
    """MmaFragment of this lane: `num_a` registers of A and half as many of B."""
    num_b = num_a // 2
    a = _registers(o, 1, num_a, "b32") + ", 0u" * (4 - num_a)
    b = _registers(o, 2, num_b, "b32") + ", 0u" * (2 - num_b)
    return "MmaFragment{{%s}, {%s}}" % (a, b)


def _accumulate(o, call, accumulators, type_name):
    results = o.vector(0)
    if len(results) != accumulators:
        o.fail("%d results, %d expected" % (len(results), accumulators))
    return "const auto result = %s; " % call + " ".join(
        o.write(item, type_name, "result.at[%d]" % index) for index, item in enumerate(results))


@instruction("mma sync aligned shape=m16n8k16 row col f32 a=f16|bf16 b=f16|bf16 c=f32",
             "mma sync aligned shape=m16n8k8 row col f32 a=f16|bf16|tf32 b=f16|bf16|tf32 c=f32",
             "mma sync aligned shape=m16n8k4 row col f32 a=tf32 b=tf32 c=f32")
def mma_f32(o):
    element, k_size = _element(o), _k(o)
    per_register = 1 if element == "tf32" else 2
    return _accumulate(o, "mma_f32<%s, %d>(thread, %s, {{%s}}, %s)" % (
        _ELEMENTS[element], k_size, _fragment(o, k_size // (2 * per_register)), _registers(o, 3, 4, "f32"), o.site()),
                       4, "f32")


def _k(o):
    return int(o.modifier("shape").split("k")[1])


def _element(o):
    if o.modifier("a") != o.modifier("b"):
        o.fail("A and B have one type")
    return o.modifier("a")


@instruction("mma sync aligned shape=m16n8k16|m16n8k8 row col f16 a=f16 b=f16 c=f16")
def mma_f16(o):
    k_size = _k(o)
    return _accumulate(o, "mma_f16<%d>(thread, %s, {{%s}}, %s)" % (
        k_size, _fragment(o, k_size // 4), _registers(o, 3, 2, "f16x2"), o.site()), 2, "f16x2")


@instruction("mma sync aligned shape=m16n8k32|m16n8k16 row col [satfinite] s32 a=s8|u8 b=s8|u8 c=s32")
def mma_s32(o):
    k_size = _k(o)
    return _accumulate(o, "mma_s32<%s, %s, %d>(thread, %s, {{%s}}, %s, %s)" % (
        _ELEMENTS[o.modifier("a")], _ELEMENTS[o.modifier("b")], k_size, _fragment(o, k_size // 8),
        _registers(o, 3, 4, "s32"), "true" if o.has("satfinite") else "false", o.site()), 4, "s32")


@instruction("mma sync aligned shape=m8n8k4 row col f64 a=f64 b=f64 c=f64")
def mma_f64(o):
    return _accumulate(o, "mma_f64(thread, %s, %s, {{%s}}, %s)" % (
        _registers(o, 1, 1, "f64"), _registers(o, 2, 1, "f64"), _registers(o, 3, 2, "f64"), o.site()), 2, "f64")


@instruction("ldmatrix sync aligned m8n8 num=x1|x2|x4 [trans] [space=shared|shared::cta] b16")
def ldmatrix(o):
    count = int(o.modifier("num")[1:])
    return _accumulate(o, "ldmatrix<%d, %s>(thread, %s, %s)" % (count, _transposed(o), _shared_address(o, 1), o.site()), count,
                       "b32")


@instruction("stmatrix sync aligned m8n8 num=x1|x2|x4 [trans] [space=shared|shared::cta] b16")
def stmatrix(o):
    count = int(o.modifier("num")[1:])
    return "stmatrix<%d, %s>(thread, %s, {{%s}}, %s);" % (
        count, _transposed(o), _shared_address(o, 0), _registers(o, 1, count, "b32"), o.site())


def _transposed(o):
    return "true" if o.has("trans") else "false"


def _shared_address(o, index):
    """Without .shared the address is generic, and must point to shared memory all the same."""
    return o.address(index) if o.has("space") else "generic_to_shared(thread, %s)" % o.address(index)
