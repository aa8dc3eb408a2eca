# SPDX-License-Identifier: Apache-2.0
"""mov, loads, stores, address conversion and asynchronous copies: ptx/memory.h and simt/thread.h."""

from operands import bytes_of, value_type
from syntax import Memory, Name
from table import instruction

_TYPES = "type=b8|b16|b32|b64|b128|u8|u16|u32|u64|s8|s16|s32|s64|f32|f64"
_CACHE = ("[evict=L1::evict_normal|L1::evict_unchanged|L1::evict_first|L1::evict_last|L1::no_allocate] "
          "[evict2=L2::evict_normal|L2::evict_first|L2::evict_last] [hint=L2::cache_hint]")
_PREFETCH = "[prefetch=L2::64B|L2::128B|L2::256B]"
_SCOPE = "[scope=cta|cluster|gpu|sys]"
_SPACES = {None: "Space::kGeneric", "global": "Space::kGlobal", "const": "Space::kGlobal", "local": "Space::kLocal",
           "shared": "Space::kShared", "shared::cta": "Space::kShared"}


def space_of(o):
    return _SPACES[o.modifier("space")]


@instruction("mov type=b16|b32|b64|b128|u16|u32|u64|s16|s32|s64|f32|f64|pred")
def mov(o):
    return o.write(0, o.modifier("type"), o.read(1, o.modifier("type")))


@instruction("ld [mmio=mmio] [order=weak|volatile|relaxed|acquire] %s "
             "[space=global|shared|shared::cta|local|const|param|param::entry|param::func] [cop=ca|cg|cs|lu|cv] "
             "[nc=nc] %s %s [vec=v2|v4|v8] %s" % (_SCOPE, _CACHE, _PREFETCH, _TYPES), "ldu [space=global] [vec=v2|v4] type=b32|u32|f32|b64|u64|f64")
def ld(o):
    type_name = o.modifier("type")
    cpp_type = value_type(type_name)
    targets = _elements(o, 0)
    if (o.modifier("space") or "").startswith("param"):
        return _load_parameter(o, targets, cpp_type)
    if o.has("hint"):
        o.operand(2)
    order = "kAtomicLoad" if o.modifier("order") in ("relaxed", "acquire") else "kRead"
    statements = ["const auto value = load<%s, %s, %d>(thread, %s, Access::%s, %s);" % (
        space_of(o), cpp_type, len(targets), o.address(1), order, o.site())]
    statements += [o.write(target, type_name, "value.at[%d]" % index) for index, target in enumerate(targets)]
    return " ".join(statements)


def _elements(o, index):
    """The elements of a vector operand, as many as .v2, .v4, .v8 say."""
    elements = o.vector(index)
    expected = int(o.modifier("vec")[1:]) if o.modifier("vec") else 1
    if len(elements) != expected:
        o.fail("%d elements, %d expected" % (len(elements), expected))
    return elements


def _parameter_place(o, index, num_bytes):
    """The bytes of [name + offset] in .param space, or None where the base is a register."""
    memory = o.operand(index)
    if not isinstance(memory, Memory) or not isinstance(memory.base, Name):
        o.fail("operand %r is no parameter" % (memory,))
    parameter = o.function.parameter(o.scope, memory.base.text)
    if parameter is None:
        return None
    pointer, size = parameter
    if memory.offset < 0 or memory.offset + num_bytes > size:
        o.fail("bytes %d to %d of %s, which has %d" % (memory.offset, memory.offset + num_bytes, memory.base.text, size))
    return "%s + %d" % (pointer, memory.offset)


def _load_parameter(o, targets, cpp_type):
    place = _parameter_place(o, 1, len(targets) * bytes_of(cpp_type))
    type_name = o.modifier("type")
    if place is None:
        if not o.function.is_entry:
            o.fail("a .func addresses its parameters by name")
        statements = ["const auto value = load_param_at<%s, %d>(thread, %s, parameters, %s, %d, %s);" % (
            cpp_type, len(targets), o.address(1), o.function.parameter_bytes_name(), len(o.function.ptx.parameters),
            o.site())]
        statements += [o.write(target, type_name, "value.at[%d]" % index) for index, target in enumerate(targets)]
        return " ".join(statements)
    return " ".join(o.write(target, type_name, "load_param<%s>(%s)" % (cpp_type, place + " + %d" % (
        index * bytes_of(cpp_type)))) for index, target in enumerate(targets))


@instruction("st [mmio=mmio] [order=weak|volatile|relaxed|release] %s "
             "[space=global|shared|shared::cta|local|param|param::func] [cop=wb|cg|cs|wt] %s [vec=v2|v4|v8] %s" % (
                 _SCOPE, _CACHE, _TYPES))
def st(o):
    type_name = o.modifier("type")
    cpp_type = value_type(type_name)
    sources = _elements(o, 1)
    if (o.modifier("space") or "").startswith("param"):
        place = _parameter_place(o, 0, len(sources) * bytes_of(cpp_type))
        if place is None:
            o.fail("a store to a parameter needs its name")
        return " ".join("store_param<%s>(%s + %d, %s);" % (
            cpp_type, place, index * bytes_of(cpp_type), o.read(source, type_name))
                        for index, source in enumerate(sources))
    if o.has("hint"):
        o.operand(2)
    order = "kAtomic" if o.modifier("order") in ("relaxed", "release") else "kWrite"
    return "store<%s, %s, %d>(thread, %s, {{%s}}, Access::%s, %s);" % (
        space_of(o), cpp_type, len(sources), o.address(0), ", ".join(o.read(x, type_name) for x in sources), order,
        o.site())


@instruction("prefetch [space=global|local] level=L1|L2|L2::evict_last|L2::evict_normal", "prefetchu level=L1",
             "discard [space=global] level=L2")
def cache_only(o):
    """No effect on values."""
    for index in range(o.count()):
        o.operand(index)
    return ""


@instruction("createpolicy fractional level=L2::evict_first|L2::evict_last|L2::evict_normal|L2::evict_unchanged "
             "[other=L2::evict_first|L2::evict_unchanged] b64")
def create_policy(o):
    for index in range(1, o.count()):
        o.operand(index)
    return o.write(0, "b64", "u64(0)")


@instruction("cvta [to=to] space=global|shared|shared::cta|local|const|param type=u64")
def cvta(o):
    value = o.read(1, "u64")
    if o.modifier("space").startswith("shared"):
        value = "%s(thread, %s)" % ("generic_to_shared" if o.has("to") else "shared_to_generic", value)
    return o.write(0, "u64", value)


@instruction("isspacep space=global|const|shared|shared::cta|local")
def isspacep(o):
    space = o.modifier("space").split("::")[0]
    return o.write(0, "pred", "is_%s(thread, %s)" % ("global" if space == "const" else space, o.read(1, "u64")))


@instruction("cp async cop=ca|cg space=shared|shared::cta global [hint=L2::cache_hint] " + _PREFETCH)
def cp_async(o):
    """[destination], [source], size, then the size of the source or a predicate to ignore it."""
    size = o.number(2)
    if size not in (4, 8, 16) or (o.modifier("cop") == "cg" and size != 16):
        o.fail("%d bytes cannot be copied" % size)
    last = o.count() - (1 if o.has("hint") else 0)
    if o.has("hint"):
        o.operand(last)
    source_size = "%du" % size
    if last > 3:
        if o.is_predicate(3):
            source_size = "(%s) ? 0u : %du" % (o.read(3, "pred"), size)
        else:
            source_size = o.read(3, "u32")
    return "cuda_sim::cp_async(thread, %s, %s, %d, %s, %s);" % (o.address(0), o.address(1), size, source_size, o.site())


@instruction("cp async group=commit_group|wait_all|wait_group")
def cp_async_group(o):
    if o.modifier("group") == "commit_group":
        return "cp_async_commit(thread);"
    if o.modifier("group") == "wait_all":
        return "cp_async_wait_all(thread, %s);" % o.site()
    return "cp_async_wait_group(thread, %d, %s);" % (o.number(0), o.site())
