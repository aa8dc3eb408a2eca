#!/usr/bin/env bash
# Installs what the build needs on Debian 12; does nothing if it is all there.
set -euo pipefail
packages=(
  bazel-bootstrap ca-certificates g++ git python3
  doctest-dev libdnnl-dev libeigen3-dev libhwy-dev libstb-dev libturbojpeg0-dev nlohmann-json3-dev
)
missing=()
for p in "${packages[@]}"; do
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
sudo=()
[ "$(id -u)" -eq 0 ] || sudo=(sudo)
export DEBIAN_FRONTEND=noninteractive
echo "installing from Debian: ${missing[*]}" >&2
"${sudo[@]}" apt-get update -qq
"${sudo[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
