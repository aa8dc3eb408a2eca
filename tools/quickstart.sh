#!/usr/bin/env bash
# Installs what is missing, builds `assay` and runs the whole job on synthetic images with flaws hidden in them.
# Arguments go to `assay demo` (see `assay demo --help`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
tools/setup-debian.sh
bazel build //tools:assay
mkdir -p out
bazel-bin/tools/assay/assay demo --out out/demo "$@"
echo "
Open out/demo/brushed_plate/stage1.csv for the images that looked suspicious, most suspicious first.
The program is bazel-bin/tools/assay/assay; your own images: assay run FOLDER --out RUN"
