// SeriesStore: the values of the charts over one window of time: history from the server, then each second as it comes.
// SPDX-License-Identifier: Apache-2.0
import type { History, Stats } from '../types';

export type Value = number | null;

// Of one moment, under the names of /v1/stats/history; those that only live values have come last.
export function valuesOf(stats: Stats): Record<string, Value> {
  const p95 = (stage: string): Value => stats.window[stage]?.p95_ms ?? null;
  const hasText = stats.kv !== null;
  const share = (part: number, whole: number): Value => (whole > 0 ? part / whole : null);
  return {
    rss_bytes: stats.memory.rss_bytes,
    system_available_bytes: stats.memory.system_available_bytes,
    generated_per_s: hasText ? (stats.tokens['generated_per_s'] ?? null) : null,
    prompt_per_s: hasText ? (stats.tokens['prompt_per_s'] ?? null) : null,
    embedded_per_s: stats.models.some(({ role }) => role === 'embedding')
      ? (stats.tokens['embedded_per_s'] ?? null)
      : null,
    questions_per_s: stats.questions.per_s,
    requests_per_s: stats.server['requests_per_s'] ?? null,
    queue: Object.values(stats.queue).reduce((sum, count) => sum + count, 0),
    running: stats.questions.running,
    kv_used_bytes: stats.kv?.used_bytes ?? null,
    batch_mean: stats.batch.generate.mean,
    ttft_p95_ms: p95('first_token'),
    total_p95_ms: p95('total_ask'),
    between_tokens_p95_ms: p95('between_tokens'),
    retrieve_p95_ms: p95('retrieve_vector'),
    rerank_p95_ms: p95('rerank'),
    embed_p95_ms: p95('embed_question'),
    prefill_p95_ms: p95('prefill'),
    decode_p95_ms: p95('decode'),
    cache_p95_ms: p95('cache_lookup'),
    queue_p95_ms: p95('queue'),
    gpu_used_bytes: stats.gpu.present ? stats.gpu.devices.reduce((sum, device) => sum + device.used_bytes, 0) : null,
    generate_fill:
      stats.batch.generate.mean === null ? null : share(stats.batch.generate.mean, stats.batch.generate.limit),
    embed_fill: stats.batch.embed.fill ?? null,
    rerank_fill: stats.batch.rerank.fill ?? null,
  };
}

// Hits and questions of the answer cache so far; their growth is the rate of a moment.
function lookups(stats: Stats): { hits: number; asked: number } {
  const { hits, misses, near_hits: near } = stats.cache.answers;
  return { hits: hits + near, asked: hits + misses };
}

export class SeriesStore {
  times: number[] = []; // unix seconds, as uPlot wants them
  stepMs = 1000;
  private values = new Map<string, Value[]>();
  private windowMs = 0;
  private before: Stats | null = null;

  // Replaces everything.
  load(history: History, windowMs: number): void {
    this.windowMs = windowMs;
    this.stepMs = history.step_ms;
    this.times = history.unix_ms.map((ms) => ms / 1000);
    this.values = new Map(Object.entries(history.series).map(([name, values]) => [name, [...values]]));
  }

  // Only where a point is a second: coarser histories are fetched anew.
  get isLive(): boolean {
    return this.stepMs <= 1000;
  }

  append(stats: Stats): void {
    const before = this.before;
    this.before = stats;
    const time = Math.floor(stats.unix_ms / 1000);
    const last = this.times[this.times.length - 1];
    if (!this.isLive || (last !== undefined && time <= Math.floor(last))) return;
    const now = valuesOf(stats);
    now['cache_hit_rate'] = before ? rateBetween(lookups(before), lookups(stats)) : null;
    this.times.push(time);
    for (const name of new Set([...this.values.keys(), ...Object.keys(now)])) {
      const values = this.values.get(name) ?? [];
      // A series that begins now had nothing before.
      while (values.length < this.times.length - 1) values.push(null);
      values.push(now[name] ?? null);
      this.values.set(name, values);
    }
    this.forget(time - this.windowMs / 1000);
  }

  of(name: string): Value[] {
    return this.values.get(name) ?? this.times.map(() => null);
  }

  private forget(before: number): void {
    let n = 0;
    while (n < this.times.length && this.times[n]! < before) n += 1;
    if (n === 0) return;
    this.times.splice(0, n);
    for (const values of this.values.values()) values.splice(0, n);
  }
}

function rateBetween(before: { hits: number; asked: number }, now: { hits: number; asked: number }): Value {
  const asked = now.asked - before.asked;
  return asked > 0 ? Math.min(1, Math.max(0, now.hits - before.hits) / asked) : null;
}
