#!/usr/bin/env bash
# Builds the fuzz targets and runs each for a while: quick_check.sh [seconds per target] [target...]
# Inputs that add coverage are kept in build/fuzz/corpus, those that fail in build/fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-20}
shift || true
case $seconds in
  '' | *[!0-9]* | 0) echo "quick_check: '$seconds' is no number of seconds" >&2; exit 2 ;;
esac
./scripts/setup.sh fuzz
if [ $# -eq 0 ]; then
  ./scripts/build.sh fuzz fuzz_all
else
  ./scripts/build.sh fuzz make_fuzz_seeds "${@/#/fuzz_}"
fi

build=build/fuzz
mkdir -p "$build/corpus" "$build/artifacts"
"$build/fuzz/make_fuzz_seeds" "$build/made_seeds"

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for program in "$build"/fuzz/fuzz_*; do
    [ -x "$program" ] && [ -f "$program" ] && targets+=("${program##*/fuzz_}")
  done
fi

export UBSAN_OPTIONS=print_stacktrace=1
failed=()
printf '%-26s %12s %9s %8s\n' target executions coverage result
for target in "${targets[@]}"; do
  corpus=$build/corpus/$target
  log=$build/artifacts/$target.log
  mkdir -p "$corpus"
  folders=("$corpus")
  for seeds in "fuzz/seeds/$target" "$build/made_seeds/$target"; do
    [ -d "$seeds" ] && folders+=("$seeds")
  done
  result=ok
  "$build/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
    -max_len=8192 -print_final_stats=1 -artifact_prefix="$build/artifacts/$target-" \
    "${folders[@]}" >"$log" 2>&1 || result=FAILED
  executions=$(awk '/stat::number_of_executed_units/ {print $2}' "$log")
  coverage=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
  printf '%-26s %12s %9s %8s\n' "$target" "${executions:--}" "${coverage:--}" "$result"
  if [ "$result" != ok ]; then
    failed+=("$target")
    grep -m 3 -E 'violated:|runtime error:|ERROR: |SUMMARY: |Test unit written' "$log" || tail -n 5 "$log"
  fi
done

[ ${#failed[@]} -eq 0 ] && exit 0
echo "quick_check: failed: ${failed[*]}; logs and inputs are in $build/artifacts" >&2
exit 1
