#!/usr/bin/env bash
# Whether kernels are slower in one revision than in another, on this machine:
#   tools/bench_compare.sh [--bound=0.95] [--rounds=5] A B [flags of bench, parts of kernel:shape]...
# Builds both, each in a git worktree of its own below a temporary folder, and lets their benchmarks take turns. Exit 0:
# no case is slower than `bound` times A's speed beyond its own spread (tools/bench/compare_runs.py); 1: some are; 2: it
# could not be told.
set -uo pipefail
bound=0.95 rounds=5
while [[ ${1:-} == --* ]]; do
  case $1 in
    --bound=*) bound=${1#*=} ;;
    --rounds=*) rounds=${1#*=} ;;
    *)
      echo "error: $1: unknown; see the head of $0" >&2
      exit 2
      ;;
  esac
  shift
done
if [ $# -lt 2 ] || ! [[ $rounds =~ ^[1-9][0-9]*$ && $bound =~ ^[0-9]*\.?[0-9]+$ ]]; then
  echo "usage: $0 [--bound=0.95] [--rounds=5] A B [flags of bench, parts of kernel:shape]..." >&2
  exit 2
fi
revisions=("$1" "$2")
shift 2
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 2
root=$PWD
work=$(mktemp -d)
clean_up() {
  cd "$root" || return
  for side in A B; do
    [ -d "$work/$side" ] && git worktree remove --force "$work/$side"
  done
  chmod -R u+w "$work" && rm -rf "$work" # Bazel makes its outputs read-only
}
trap clean_up EXIT

sides=(A B)
for i in 0 1; do
  side=${sides[i]}
  git worktree add --quiet --detach "$work/$side" "${revisions[i]}" || exit 2
  # A developer's own settings, such as a shared cache, are not part of a revision.
  [ -f .bazelrc.user ] && cp .bazelrc.user "$work/$side/"
  echo "building $side, ${revisions[i]}" >&2
  (cd "$work/$side" && bazel --output_base="$work/base_$side" build //tools/bench >&2 &&
    cp -L bazel-bin/tools/bench/bench "$work/bench_$side"
    built=$?
    bazel --output_base="$work/base_$side" shutdown
    exit "$built") || exit 2
done

files=()
for ((round = 0; round < rounds; ++round)); do
  order=(A B)
  ((round % 2)) && order=(B A) # who goes first has the cooler machine
  for side in "${order[@]}"; do
    echo "round $((round + 1)) of $rounds: $side" >&2
    "$work/bench_$side" --csv "$@" >"$work/$side$round.csv" || exit 2
  done
  files+=("$work/A$round.csv" "$work/B$round.csv")
done
tools/bench/compare_runs.py --bound="$bound" "${files[@]}"
