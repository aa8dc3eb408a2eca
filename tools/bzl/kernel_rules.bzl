"""A kernel's library with its CUDA half, and its test on every backend."""

load("//tests/cuda_sim:defs.bzl", "cuda_sim_kernels")
load(
    ":cuda_rules.bzl",
    "NEEDS_CUDA",
    "NEEDS_CUDA_VENDOR",
    "cuda_library",
    "cuda_report_files",
    "if_cuda",
    "if_cuda_vendor",
)

# Bytes of the simulated GPU in tests of kernels: an H100's 80 GB, for arrays with more than 2^31 elements, of which next
# to nothing is touched.
_SIMULATED_DEVICE = {"ASSAY_SIM_MEMORY": "80000000000"}

def ptxas_test(name, library):
    """Holds the kernels of a cuda_library to the budgets in its sources."""
    cuda_report_files(
        name = name + "_files",
        folder = native.package_name() + "/",
        deps = [library],
        target_compatible_with = NEEDS_CUDA,
        visibility = ["//visibility:private"],
    )
    native.sh_test(
        name = name,
        size = "small",
        srcs = ["//tools/cuda_report:budget_test.py"],
        args = ["$(locations :%s_files)" % name],
        data = [
            ":" + name + "_files",
            "//tools/cuda_report:resources.py",
        ],
        target_compatible_with = NEEDS_CUDA,
    )

def kernel_library(name, srcs, hdrs, cuda_srcs, deps = [], cuda_deps = [], vendor_srcs = [], vendor_hdrs = [], vendor_deps = [], **kwargs):
    """A cc_library, whose .cu files are compiled and linked in CUDA builds; name_ptxas_test holds them to their budgets.

    cuda_srcs: .cu files, and headers of their own. They see `hdrs` too, and kernels/base.
    vendor_srcs: .cc files that call cuBLASLt or cuDNN, in builds that have the libraries, and vendor_hdrs, their headers;
        vendor_deps: what they need, or libraries that do such work alone. They see `hdrs` too, and kernels/base.
    """
    cuda_library(
        name = name + "_cuda",
        srcs = cuda_srcs + hdrs,
        visibility = ["//visibility:private"],
        deps = [
            "//kernels/base:cuda_check",
            "//kernels/base:kernel_table",
        ] + cuda_deps,
    )
    ptxas_test(
        name = name + "_ptxas_test",
        library = ":" + name + "_cuda",
    )
    native.cc_library(
        name = name,
        srcs = srcs,
        hdrs = hdrs,
        deps = ["//kernels/base:kernel_table"] + [d for d in deps if d != "//kernels/base:kernel_table"] +
               if_cuda([":" + name + "_cuda"]) +
               (if_cuda_vendor([":" + name + "_vendor"]) if vendor_srcs or vendor_deps else []),
        **kwargs
    )
    if vendor_srcs or vendor_deps:
        native.cc_library(
            name = name + "_vendor",
            srcs = vendor_srcs + vendor_hdrs + hdrs,
            target_compatible_with = NEEDS_CUDA_VENDOR,
            visibility = ["//visibility:private"],
            deps = [
                "//kernels/base:check",
                "//kernels/base:cuda_check",
                "//kernels/base:kernel_table",
                "@local_cuda//:headers",
            ] + vendor_deps,
        )

def kernel_test(name, srcs, deps, size = "small", data = [], tags = [], sim_env = {}):
    """One list of cases, run on each backend.

    name: on the CPU. name_cuda_sim (tag cuda_sim): on the GPU simulator, whose variables sim_env sets. name_gpu (tag
    gpu): on a GPU.
    """
    cases = name + "_cases"
    native.cc_library(
        name = cases,
        testonly = True,
        srcs = srcs,
        deps = deps + [d for d in [
            "//tests/support:staging",
            "//tests/support:targets",
            "@doctest",
        ] if d not in deps],
        alwayslink = True,
    )
    native.cc_test(
        name = name,
        size = size,
        data = data,
        tags = tags,
        deps = [cases, "//tests/support:test_main"],
    )
    cuda_sim_kernels(
        name = name + "_kernels",
        testonly = True,
        deps = [cases],
    )
    native.cc_test(
        name = name + "_cuda_sim",
        size = "medium",
        args = ["--backend=cuda"],
        data = data,
        env = dict(_SIMULATED_DEVICE, **sim_env),
        tags = tags + ["cuda_sim"],
        target_compatible_with = NEEDS_CUDA,
        deps = [cases, name + "_kernels", "//tests/support:test_main"],
    )
    native.cc_test(
        name = name + "_gpu",
        size = size,
        args = ["--backend=cuda"],
        data = data,
        tags = tags + ["gpu"],
        target_compatible_with = NEEDS_CUDA,
        deps = [cases, "//tests/support:test_main_gpu"],
    )

def vendor_test(name, srcs, deps, tags = []):
    """Cases of a kernel that calls cuBLASLt or cuDNN, which no CPU version has. Skipped in builds without the libraries.

    name (tag cuda_sim): on the GPU simulator and simulated libraries. name_gpu (tag gpu): on a GPU, with the real ones.
    Cases that look into the simulated libraries (//tests/cuda_sim_vendor:control) belong into a test of their own.
    """
    cases = name + "_cases"
    native.cc_library(
        name = cases,
        testonly = True,
        srcs = srcs,
        target_compatible_with = NEEDS_CUDA_VENDOR,
        deps = deps + [d for d in ["//tests/support:staging", "@doctest"] if d not in deps],
        alwayslink = True,
    )
    cuda_sim_kernels(
        name = name + "_kernels",
        testonly = True,
        deps = [cases],
    )
    native.cc_test(
        name = name,
        size = "small",
        args = ["--backend=cuda"],
        env = _SIMULATED_DEVICE,
        tags = tags + ["cuda_sim"],
        target_compatible_with = NEEDS_CUDA_VENDOR,
        deps = [cases, name + "_kernels", "//tests/support:test_main"],
    )
    native.cc_test(
        name = name + "_gpu",
        size = "small",
        args = ["--backend=cuda"],
        tags = tags + ["gpu"],
        target_compatible_with = NEEDS_CUDA_VENDOR,
        deps = [cases, "//tests/support:test_main_gpu"],
    )
