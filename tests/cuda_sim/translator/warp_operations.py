# SPDX-License-Identifier: Apache-2.0
"""Shuffles, votes, matches, reductions and barriers: ptx/warp.h and simt/thread.h."""

from table import instruction

_SHUFFLE = {"up": "kShuffleUp", "down": "kShuffleDown", "bfly": "kShuffleButterfly", "idx": "kShuffleIndex"}


@instruction("shfl sync mode=up|down|bfly|idx b32")
def shfl(o):
    first, second = o.results()
    statements = ["const Shuffled shuffled = shfl<WarpOp::%s>(thread, %s, %s, %s, %s, %s);" % (
        _SHUFFLE[o.modifier("mode")], o.read(1, "b32"), o.read(2, "b32"), o.read(3, "b32"), o.read(4, "b32"), o.site()),
                  o.write(first, "b32", "shuffled.value")]
    if second:
        statements.append(o.write(second, "pred", "shuffled.in_range"))
    return " ".join(statements)


@instruction("vote sync mode=all|any|uni pred")
def vote(o):
    return o.write(0, "pred", "vote_%s(thread, %s, %s, %s)" % (o.modifier("mode"), o.read(1, "pred"), o.read(2, "b32"),
                                                               o.site()))


@instruction("vote sync ballot b32")
def ballot(o):
    return o.write(0, "b32", "vote_ballot(thread, %s, %s, %s)" % (o.read(1, "pred"), o.read(2, "b32"), o.site()))


@instruction("match mode=any|all sync type=b32|b64")
def match(o):
    first, second = o.results()
    statements = ["const u32 same = match_%s(thread, %s, %s, %s);" % (
        o.modifier("mode"), o.read(1, o.modifier("type")), o.read(2, "b32"), o.site()), o.write(first, "b32", "same")]
    if second:
        statements.append(o.write(second, "pred", "same != 0"))
    return " ".join(statements)


_REDUCTIONS = ("add", "min", "max", "and", "or", "xor")


@instruction("redux sync op=add|min|max type=u32|s32", "redux sync op=and|or|xor type=b32")
def redux(o):
    type_name, op = o.modifier("type"), o.modifier("op")
    joined = {"add": "add_int(a, b)", "min": "min_int(a, b)", "max": "max_int(a, b)", "and": "a & b", "or": "a | b",
              "xor": "a ^ b"}[op]
    return _redux(o, _REDUCTIONS.index(op) * 2 + (type_name == "s32"), joined, type_name, o.read(1, type_name))


@instruction("redux sync op=min|max [abs] [NaN] type=f32")
def redux_float(o):
    value = o.read(1, "f32")
    if o.has("abs"):
        value = "clear_sign(%s)" % value
    op = o.modifier("op")
    joined = "extremum(a, b, %s, %s)" % ("true" if op == "max" else "false", "true" if o.has("NaN") else "false")
    return _redux(o, 32 + _REDUCTIONS.index(op), joined, "f32", value)


def _redux(o, qualifiers, joined, type_name, value):
    return o.write(0, type_name, "redux(thread, %d, [](auto a, auto b) { return %s; }, %s, %s, %s)" % (
        qualifiers, joined, value, o.read(2, "b32"), o.site()))


@instruction("elect sync")
def elect(o):
    first, second = o.results()
    if second is None:
        o.fail("elect has two results")
    return "const u32 leader = elect(thread, %s, %s); %s %s" % (
        o.read(1, "b32"), o.site(), o.write(first, "b32", "leader"), o.write(second, "pred", "leader == thread.lane"))


@instruction("activemask b32")
def activemask(o):
    """Which lanes are active is up to the hardware, so kernels must not depend on it."""
    return "report_unsupported(thread, \"activemask\", %s); %s" % (o.site(), o.write(0, "b32", "~0u"))


@instruction("bar warp sync")
def bar_warp(o):
    return "sync_warp(thread, %s, %s);" % (o.read(0, "b32"), o.site())


@instruction("bar [cta] sync", "bar [cta] arrive", "barrier [cta] sync [aligned]", "barrier [cta] arrive [aligned]")
def bar(o):
    kind = "kArrive" if o.has("arrive") else "kSync"
    count = o.read(1, "u32") if o.count() > 1 else "0"
    return "barrier(thread, %s, %s, BarrierKind::%s, false, %s, %s);" % (
        o.read(0, "u32"), count, kind, _aligned(o), o.site())


def _aligned(o):
    return "true" if o.opcode == "bar" or o.has("aligned") else "false"


@instruction("bar [cta] red op=and|or pred", "barrier [cta] red [aligned] op=and|or pred",
             "bar [cta] red op=popc u32", "barrier [cta] red [aligned] op=popc u32")
def bar_red(o):
    """d, barrier{, count}, p"""
    op = o.modifier("op")
    count = o.read(2, "u32") if o.count() > 3 else "0"
    value = "barrier(thread, %s, %s, BarrierKind::kReduce%s, %s, %s, %s)" % (
        o.read(1, "u32"), count, op.capitalize(), o.read(o.count() - 1, "pred"), _aligned(o), o.site())
    return o.write(0, "u32", value) if op == "popc" else o.write(0, "pred", value + " != 0")


@instruction("membar level=cta|gl|sys", "fence [order=sc|acq_rel|acquire|release] scope=cta|cluster|gpu|sys")
def fence(o):
    """Threads of the simulator see each other's writes in order, and the race detector counts only barriers."""
    return ""
