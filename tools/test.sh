#!/usr/bin/env bash
# Installs what is missing, builds everything and runs all tests.
# Arguments go to `bazel test`; ends on 'N passed, N failed', counted in test cases.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
tools/setup-debian.sh || exit 1
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Real images, where they lie beside the checkout; their tests skip otherwise.
if [ -z "${ASSAY_DATA:-}" ] && [ -d ../shared/data/fuiad ]; then
  ASSAY_DATA=$(cd ../shared/data && pwd)
  export ASSAY_DATA
fi
bazel test --test_summary=detailed "$@" //... 2>&1 </dev/null | tee "$log"
rc=$?
# Bazel adds up the cases in each test's XML file, cached results included.
line=$(sed 's/\x1b\[[0-9;]*m//g' "$log" | grep '^Test cases: finished with' | tail -n 1)
if [[ $line =~ with\ ([0-9]+)\ passing\ and\ ([0-9]+)\ failing ]] && ((BASH_REMATCH[1] + BASH_REMATCH[2] > 0)); then
  echo "${BASH_REMATCH[1]} passed, ${BASH_REMATCH[2]} failed"
else
  echo "no test ran" >&2
  [ "$rc" -ne 0 ] || rc=1
fi
exit "$rc"
