#!/usr/bin/env bash
# On a machine with an NVIDIA GPU: runs every GPU test, then the kernels' benchmark, and fills the measured columns of
# kernels/ROOFLINE.md. Exit 0: tests passed and the table is written; 1: something failed; 2: there is no GPU here.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
if ! nvidia-smi -L 2>/dev/null | grep -q '^GPU '; then
  echo "gpu_check: no GPU on this machine (nvidia-smi lists none)" >&2
  exit 2
fi
tools/setup-debian.sh || exit 1
failed=0
bazel test --config=gpu --keep_going //... || failed=1
mkdir -p out
bazel build --config=cuda //tools/bench || exit 1
bazel-bin/tools/bench/bench --device=cuda --csv >out/gpu_bench.csv || failed=1
bazel run --config=cuda //tools/cuda_report:roofline -- --measured out/gpu_bench.csv || failed=1
exit "$failed"
