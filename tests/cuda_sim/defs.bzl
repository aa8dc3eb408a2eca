"""cuda_sim_kernels: the CUDA kernels below some targets, as code for the GPU simulator.

An aspect walks `deps` and turns the PTX of each cuda_library it meets into C++ (the translator) and that into an
object. A test that links the objects beside //tests/cuda_sim:runtime launches them where a program on a GPU
launches machine code.

ptx_library: the same for PTX files that stand alone.
"""

load("@bazel_tools//tools/cpp:toolchain_utils.bzl", "find_cpp_toolchain")
load("//tools/bzl:cuda_rules.bzl", "CudaLibraryInfo", "NEEDS_CUDA")

# cc_info: CcInfo of the simulated kernels of a target and all below it.
_SimulatedKernels = provider(fields = ["cc_info"])

# What the C++ made of PTX needs: a PTX fma is one instruction, and a product and a sum are two. Nobody reads it, so
# nobody wants its warnings.
# A frame larger than a page must touch each page, or it would jump over the guard below a simulated thread's stack.
_COPTS = ["-O1", "-mfma", "-mf16c", "-ffp-contract=off", "-fstack-clash-protection", "-w"]

def _translate(ctx, ptx):
    """Declares the C++ of one PTX file."""
    cc = ctx.actions.declare_file("_cuda_sim/%s/%s.cc" % (ctx.label.name, ptx.basename))
    main = ctx.files._translator[0]
    ctx.actions.run_shell(
        command = "python3 %s %s %s" % (main.path, ptx.path, cc.path),
        inputs = [ptx] + ctx.files._translator,
        outputs = [cc],
        mnemonic = "PtxToCpp",
        progress_message = "Translating " + ptx.short_path,
    )
    return cc

def _compile(ctx, ptx):
    """CcInfo of the kernels in some PTX files."""
    cc_toolchain = find_cpp_toolchain(ctx)
    features = cc_common.configure_features(ctx = ctx, cc_toolchain = cc_toolchain)
    _, outputs = cc_common.compile(
        actions = ctx.actions,
        feature_configuration = features,
        cc_toolchain = cc_toolchain,
        name = ctx.label.name + "_cuda_sim",
        srcs = [_translate(ctx, file) for file in ptx],
        compilation_contexts = [ctx.attr._ptx_runtime[CcInfo].compilation_context],
        user_compile_flags = _COPTS,
    )
    context, _ = cc_common.create_linking_context_from_compilation_outputs(
        actions = ctx.actions,
        feature_configuration = features,
        cc_toolchain = cc_toolchain,
        compilation_outputs = outputs,
        name = ctx.label.name + "_cuda_sim",
        alwayslink = True,  # static initialisers register the kernels
        disallow_dynamic_library = True,
    )
    return CcInfo(linking_context = context)

_COMPILE_ATTRS = {
    "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    "_ptx_runtime": attr.label(default = "//tests/cuda_sim:ptx_runtime"),
    "_translator": attr.label(default = "//tests/cuda_sim:translator"),
}
_COMPILE_TOOLCHAINS = ["@bazel_tools//tools/cpp:toolchain_type"]

def _aspect_impl(target, ctx):
    infos = [
        dep[_SimulatedKernels].cc_info
        for dep in getattr(ctx.rule.attr, "deps", [])
        if _SimulatedKernels in dep
    ]
    if CudaLibraryInfo in target:
        infos.append(_compile(ctx, target[CudaLibraryInfo].ptx))
    return [_SimulatedKernels(cc_info = cc_common.merge_cc_infos(cc_infos = infos))]

_simulated_kernels = aspect(
    implementation = _aspect_impl,
    attr_aspects = ["deps"],
    attrs = _COMPILE_ATTRS,
    fragments = ["cpp"],
    toolchains = _COMPILE_TOOLCHAINS,
)

def _cuda_sim_kernels_impl(ctx):
    return [cc_common.merge_cc_infos(cc_infos = [d[_SimulatedKernels].cc_info for d in ctx.attr.deps])]

_cuda_sim_kernels = rule(
    implementation = _cuda_sim_kernels_impl,
    attrs = {"deps": attr.label_list(aspects = [_simulated_kernels], providers = [CcInfo])},
    provides = [CcInfo],
)

def cuda_sim_kernels(name, deps, **kwargs):
    """A library of all CUDA kernels below `deps`, for a test that links //tests/cuda_sim:runtime."""
    _cuda_sim_kernels(
        name = name,
        deps = deps,
        target_compatible_with = NEEDS_CUDA,
        **kwargs
    )

def _ptx_library_impl(ctx):
    return [_compile(ctx, ctx.files.srcs)]

_ptx_library = rule(
    implementation = _ptx_library_impl,
    attrs = dict(_COMPILE_ATTRS, srcs = attr.label_list(allow_files = [".ptx"])),
    fragments = ["cpp"],
    provides = [CcInfo],
    toolchains = _COMPILE_TOOLCHAINS,
)

def ptx_library(name, srcs, **kwargs):
    """The kernels of PTX files, for a test that links //tests/cuda_sim:runtime."""
    _ptx_library(
        name = name,
        srcs = srcs,
        target_compatible_with = NEEDS_CUDA,
        **kwargs
    )
