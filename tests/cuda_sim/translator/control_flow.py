# SPDX-License-Identifier: Apache-2.0
"""Branches, calls and the end of threads."""

from syntax import Group, Name
from table import instruction


@instruction("bra [uni]")
def bra(o):
    return "goto %s;" % o.label(0)


@instruction("brx idx [uni]")
def brx(o):
    """A jump to the label that the index picks out of a list."""
    labels = o.function.branch_targets(o.scope, o.operand(1).text)
    if labels is None:
        o.fail("%s is no list of labels" % o.operand(1).text)
    cases = ["case %d: goto %s;" % (index, o.function.label(o.scope, label)) for index, label in enumerate(labels)]
    return "switch (%s) { %s default: report_unsupported(thread, \"brx.idx beyond its labels\", %s); }" % (
        o.read(0, "u32"), " ".join(cases), o.site())


@instruction("ret [uni]")
def ret(o):
    return "return;"


@instruction("exit")
def thread_exit(o):
    return "return;" if o.function.is_entry else "device_exit(thread);"


@instruction("trap")
def trap(o):
    return "device_trap(thread, %s);" % o.site()


@instruction("nanosleep u32")
def nanosleep(o):
    return "(void)(%s); yield(thread);" % o.read(0, "u32")


@instruction("call [uni]")
def call(o):
    """(results), function, (arguments), prototype: all but the function may be missing."""
    items = [o.operand(index) for index in range(o.count())]
    results = items.pop(0).items if isinstance(items[0], Group) else []
    callee = items.pop(0).text
    arguments = items[0].items if items else []
    returns = [_bytes_of_parameter(o, item) for item in results]
    parameters = [_bytes_of_parameter(o, item) for item in arguments]
    if callee in _SYSTEM_CALLS:
        return _SYSTEM_CALLS[callee](o, returns, parameters)
    target = o.function.callee(o.scope, callee)
    if target is None:
        o.function.note_unknown("call of " + callee)
        return "report_unsupported(thread, \"call of %s\", %s);" % (callee, o.site())
    return ("unsigned char* const returns[] = {%s}; unsigned char* const arguments[] = {%s}; "
            "%s(thread, returns, arguments);" % (", ".join(returns + ["nullptr"]), ", ".join(parameters + ["nullptr"]),
                                                 target))


def _bytes_of_parameter(o, item):
    parameter = o.function.parameter(o.scope, item.text) if isinstance(item, Name) else None
    if parameter is None:
        o.fail("only .param variables are passed, found %r" % (item,))
    return parameter[0]


def _vprintf(o, returns, parameters):
    return "store_param<s32>(%s, device_printf(thread, load_param<u64>(%s), load_param<u64>(%s), %s));" % (
        returns[0], parameters[0], parameters[1], o.site())


def _assertfail(o, returns, parameters):
    message, file, line, function = parameters[:4]
    return "device_assert(thread, load_param<u64>(%s), load_param<u64>(%s), load_param<u32>(%s), load_param<u64>(%s), %s);" % (
        message, file, line, function, o.site())


_SYSTEM_CALLS = {"vprintf": _vprintf, "__assertfail": _assertfail}
