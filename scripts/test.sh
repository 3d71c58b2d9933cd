#!/usr/bin/env bash
# Sets up, builds and runs every test. DOCMIND_PRESET=asan or tsan runs them under sanitizers.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${DOCMIND_PRESET:-test}
./scripts/setup.sh test
python3 scripts/check_layers.py
./scripts/build.sh "$preset"
# Sanitizers add shared functions of their own.
[ "$preset" != test ] || python3 scripts/check_isa_leaks.py "build/$preset"
ctest --preset "$preset" -j "$(nproc)" "$@"
