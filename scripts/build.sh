#!/usr/bin/env bash
# Configures and builds a preset: build.sh release|test|bench|debug|asan|tsan|fuzz [target...]
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${1:-release}
shift || true
# CMake notices its own files; a changed preset it does not.
if [ ! -f "build/$preset/build.ninja" ] || [ CMakePresets.json -nt "build/$preset/build.ninja" ]; then
  cmake --preset "$preset" >"/tmp/docmind-configure.$$" 2>&1 ||
    { cat "/tmp/docmind-configure.$$"; rm -f "/tmp/docmind-configure.$$"; exit 1; }
  rm -f "/tmp/docmind-configure.$$"
fi
# A clone in another folder finds what this one compiled.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
targets=()
[ $# -gt 0 ] && targets=(--target "$@")
# One compiler at a time for each 1.5 GiB of memory: templates are hungry.
memory_kib=$(awk '/MemAvailable/ {print $2}' /proc/meminfo)
jobs=$((memory_kib / 1572864))
[ "$jobs" -lt 1 ] && jobs=1
[ "$jobs" -gt "$(nproc)" ] && jobs=$(nproc)
cmake --build --preset "$preset" -j "$jobs" "${targets[@]}"
