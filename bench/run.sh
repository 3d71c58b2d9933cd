#!/usr/bin/env bash
# Sets up, builds a release and runs every benchmark: a table each, then a line of JSON.
# DOCMIND_DATA names the folder of the test collections (default: ../shared/data).
set -uo pipefail
cd "$(dirname "$0")/.."

./scripts/setup.sh bench || exit 1
./scripts/build.sh release | tail -n 1
failed=0
for bench in retrieval indexing answers; do
  python3 "bench/$bench.py" || failed=1
done
./scripts/build.sh bench bench_micro bench_model_values bench_kv_quality bench_semantic_lookup \
  bench_cache_policies bench_cache_latency bench_semantic_quality bench_repeat_workload \
  bench_control_simulation bench_open_loop bench_server_overhead bench_quantize_rows \
  bench_upstream_overhead | tail -n 1
for bench in model_speed quantize quantize_on_load plan kv kv_quality streams semantic_lookup semantic_quality load server_soak; do
  python3 "bench/$bench.py" || failed=1
done
for bench in cache_policies cache_latency repeat_workload control_simulation upstream_overhead; do
  "./build/bench/bench/bench_$bench" || failed=1
done
stories=${DOCMIND_DATA:-../shared/data}/models/stories260K.gguf
[ ! -f "$stories" ] || ./build/bench/bench/bench_server_overhead "$stories" || failed=1
./build/bench/bench/bench_quantize_rows $([ ! -f "$stories" ] || echo "$stories") || failed=1
./build/bench/bench/bench_micro --benchmark_counters_tabular=true || failed=1
exit "$failed"
