"""A library that the system's package manager installed."""

_HEADER_ROOTS = ["/usr/include", "/usr/local/include"]
_LIB_DIRS = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib"]

def _first(rctx, dirs, name):
    for d in dirs:
        if rctx.path(d + "/" + name).exists:
            return d
    return None

def _impl(rctx):
    hint = "%s was not found; on Debian: apt-get install %s" % (rctx.name, rctx.attr.apt)
    if rctx.attr.optional:
        found = all([_first(rctx, rctx.attr.header_roots, src) for src in rctx.attr.headers.values()]) and \
                all([_first(rctx, _LIB_DIRS, "lib%s.so" % lib) for lib in rctx.attr.libs])
        rctx.file("defs.bzl", "FOUND = %r\n" % found, executable = False)
        if not found:
            rctx.file("BUILD", "cc_library(name = %r, visibility = [\"//visibility:public\"])\n" % rctx.name, executable = False)
            return
    for dst, src in rctx.attr.headers.items():
        root = _first(rctx, rctx.attr.header_roots, src)
        if not root:
            fail("header %s of %s" % (src, hint))
        rctx.symlink(root + "/" + src, "include/" + dst)
    linkopts = []
    for lib in rctx.attr.libs:
        d = _first(rctx, _LIB_DIRS, "lib%s.so" % lib)
        if not d:
            fail("lib%s.so of %s" % (lib, hint))
        if d == "/usr/local/lib":
            linkopts += ["-L" + d, "-Wl,-rpath," + d]
        linkopts.append("-l" + lib)
    rctx.file("BUILD", """
cc_library(
    name = "{name}",
    hdrs = glob(["include/**"]),
    includes = ["include"],
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
""".format(name = rctx.name, linkopts = repr(linkopts)), executable = False)

system_library = repository_rule(
    implementation = _impl,
    local = True,
    attrs = {
        "apt": attr.string(mandatory = True),
        "header_roots": attr.string_list(default = _HEADER_ROOTS),
        "headers": attr.string_dict(mandatory = True),
        "libs": attr.string_list(),
        # An optional library that is missing becomes an empty target; its
        # defs.bzl says FOUND, for a local_defines.
        "optional": attr.bool(),
    },
)
