// bench_micro: times single stages within the process; each checks its result before it is timed.
// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
