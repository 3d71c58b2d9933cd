// mock_data: what the mock server measures: values that are a function of time, so that the past is as plausible as now.
// SPDX-License-Identifier: Apache-2.0

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const BUDGET = 6 * GIB;
const KV_BUDGET = 1.5 * GIB;

// Slow and quick waves with some noise that is the same for the same moment.
function noise(t, seed) {
  const x = Math.sin(t * 12.9898 + seed * 78.233) * 43758.5453;
  return x - Math.floor(x);
}
function wave(t, periodS, seed = 0) {
  return 0.5 + 0.5 * Math.sin((2 * Math.PI * t) / periodS + seed);
}

export function loadAt(t) {
  return Math.min(1, 0.25 + 0.45 * wave(t, 420) * wave(t, 97, 1) + 0.25 * wave(t, 41, 2) + 0.08 * noise(t, 3));
}

export function valuesAt(t) {
  const load = loadAt(t);
  const jitter = (seed) => 0.9 + 0.2 * noise(t, seed);
  return {
    rss_bytes: Math.round((3.1 + 1.9 * load) * GIB * (0.99 + 0.02 * noise(t, 4))),
    system_available_bytes: Math.round((7.2 - 1.9 * load) * GIB),
    memory_share: ((3.1 + 1.9 * load) * GIB) / BUDGET,
    generated_per_s: 46 * load * jitter(5),
    prompt_per_s: noise(t, 6) > 0.5 ? 900 * load * jitter(7) : 0,
    embedded_per_s: 1400 * load * jitter(8),
    questions_per_s: 0.8 * load * jitter(9),
    requests_per_s: 6 * load * jitter(10),
    queue: Math.max(0, Math.round(7 * (load - 0.6) * jitter(11))),
    running: Math.round(5 * load),
    kv_used_bytes: Math.round(KV_BUDGET * (0.1 + 0.75 * load)),
    kv_share: 0.1 + 0.75 * load,
    cache_hit_rate: noise(t, 12) > 0.7 ? Math.round(noise(t, 13) * 3) / 3 : null,
    batch_mean: 1 + 6 * load * jitter(14),
    ttft_p95_ms: 320 + 700 * load * jitter(15),
    total_p95_ms: 1300 + 1500 * load * jitter(16),
    between_tokens_p95_ms: 32 + 30 * load * jitter(17),
    retrieve_p95_ms: 0.7 + 0.8 * load * jitter(18),
    rerank_p95_ms: 60 + 90 * load * jitter(19),
    embed_p95_ms: 6 + 5 * load * jitter(20),
    prefill_p95_ms: 260 + 500 * load * jitter(21),
    decode_p95_ms: 900 + 900 * load * jitter(22),
    cache_p95_ms: 0.05 + 0.2 * load * jitter(23),
    queue_p95_ms: 0.3 + 120 * Math.max(0, load - 0.5) * jitter(24),
    gpu_used_bytes: null,
    refused: 0,
  };
}

export function historyOf(minutes, nowMs) {
  const stepMs = minutes <= 15 ? 1000 : minutes <= 120 ? 10_000 : 60_000;
  const last = Math.floor(nowMs / stepMs) * stepMs;
  const count = Math.floor((minutes * 60_000) / stepMs);
  const times = Array.from({ length: count }, (_, index) => last - (count - 1 - index) * stepMs);
  const points = times.map((ms) => valuesAt(ms / 1000));
  const series = Object.fromEntries(Object.keys(points[0]).map((name) => [name, points.map((point) => point[name])]));
  return { step_ms: stepMs, unix_ms: times, series };
}

function summary(p95, count) {
  return {
    count,
    p50_ms: p95 * 0.55,
    p90_ms: p95 * 0.86,
    p95_ms: p95,
    p99_ms: p95 * 1.4,
    mean_ms: p95 * 0.6,
    max_ms: p95 * 2.1,
  };
}

const STAGE_OF = {
  queue: 'queue_p95_ms',
  cache_lookup: 'cache_p95_ms',
  embed_question: 'embed_p95_ms',
  retrieve_vector: 'retrieve_p95_ms',
  rerank: 'rerank_p95_ms',
  prefill: 'prefill_p95_ms',
  first_token: 'ttft_p95_ms',
  decode: 'decode_p95_ms',
  between_tokens: 'between_tokens_p95_ms',
  total_ask: 'total_p95_ms',
};

function stagesOf(values, count) {
  const stages = Object.fromEntries(
    Object.entries(STAGE_OF).map(([stage, key]) => [stage, summary(values[key], count)]),
  );
  stages.retrieve_lexical = summary(values.retrieve_p95_ms * 1.3, count);
  stages.fuse = summary(0.03, count);
  stages.cite = summary(0.4, count);
  return stages;
}

const CONFIGURED = {
  level: 'conservative',
  kv_format: 'f16',
  max_sequences: 8,
  prefill_tokens: 512,
  embed_batch_tokens: 8192,
  rerank_batch_tokens: 8192,
  cache_memory_bytes: 64 * MIB,
  max_queued: 256,
  rerank_depth: 40,
  context_passages: 6,
};

const MODELS = [
  { role: 'text', name: 'qwen3-0.6b', architecture: 'qwen3', weights: 'Q8_0', bytes: 639 * MIB, context: 8192 },
  {
    role: 'embedding',
    name: 'bge-small-en-v1.5',
    architecture: 'bert',
    weights: 'Q8_0',
    bytes: 36 * MIB,
    context: 512,
  },
  {
    role: 'rerank',
    name: 'bge-reranker-base',
    architecture: 'bert',
    weights: 'Q4_K',
    bytes: 171 * MIB,
    context: 512,
  },
];

const QUALITY = [
  { model: 'qwen3-0.6b', what: 'weights', format: 'Q8_0', score: { top_1: 0.991, mean_kld: 0.0011 }, note: '' },
  { model: 'qwen3-0.6b', what: 'kv', format: 'int8', score: { top_1: 0.989, mean_kld: 0.0021 }, note: '' },
  {
    model: 'bge-small-en-v1.5',
    what: 'weights',
    format: 'Q8_0',
    score: null,
    note: 'not measured: no original beside it',
  },
];

// `counts`: what really happened on the mock.
export function statsAt(nowMs, startMs, withModel, counts) {
  const t = nowMs / 1000;
  const values = valuesAt(t);
  const asked = 180 + counts.questions;
  return {
    unix_ms: nowMs,
    version: '0.1.0',
    uptime_s: (nowMs - startMs) / 1000 + 8123,
    latency_target_ms: 3000,
    collection_default: { documents: counts.documents, chunks: counts.chunks },
    memory: {
      rss_bytes: values.rss_bytes,
      peak_rss_bytes: 5.2 * GIB,
      budget_bytes: BUDGET,
      used_share: values.memory_share,
      system_total_bytes: 15.6 * GIB,
      system_available_bytes: values.system_available_bytes,
      parts: {
        weights_bytes: 846 * MIB,
        kv_bytes: values.kv_used_bytes,
        answer_cache_bytes: 11 * MIB,
        computed_cache_bytes: 23 * MIB,
      },
    },
    gpu: { present: false, reason: 'libnvidia-ml.so.1 is not installed', devices: [] },
    stages: stagesOf(values, asked),
    window: stagesOf(values, 24),
    server: {
      connections: 6,
      in_flight: 2,
      requests: 4210,
      refused: 0,
      bad: 3,
      cut_off: 0,
      requests_per_s: values.requests_per_s,
    },
    questions: {
      total: asked,
      failed: 0,
      per_s: values.questions_per_s,
      waiting: values.queue,
      running: values.running,
    },
    tokens: {
      prompt_total: 412_300,
      generated_total: 51_200,
      embedded_total: 1_204_000,
      prompt_per_s: values.prompt_per_s,
      generated_per_s: values.generated_per_s,
      embedded_per_s: values.embedded_per_s,
    },
    kv: withModel
      ? {
          format: 'int8',
          used_bytes: values.kv_used_bytes,
          held_bytes: values.kv_used_bytes * 1.2,
          budget_bytes: KV_BUDGET,
          blocks: 812,
          pages: 203,
          sequences: values.running,
          prefix_hit_rate: 0.41,
          evicted_blocks: 37,
        }
      : null,
    cache: {
      hit_rate: (61 + counts.hits) / asked,
      answers: {
        hits: 55 + counts.hits,
        misses: 119 + counts.questions - counts.hits,
        near_hits: 6,
        stale: 2,
        stored: 117,
        saved_ms: 148_000,
        saved_tokens: 9800,
        tiers: [
          { name: 'memory', entries: 96, bytes: 1.4 * MIB, limit_bytes: 64 * MIB, hits: 41, misses: 140 },
          { name: 'disk', entries: 3120, bytes: 38 * MIB, limit_bytes: 512 * MIB, hits: 20, misses: 120 },
        ],
      },
      computed: {
        embeddings: { hits: 3120, misses: 411 },
        reranks: { hits: 812, misses: 1920 },
        retrievals: { hits: 210, misses: 98 },
      },
    },
    batch: {
      generate: { mean: withModel ? values.batch_mean : null, limit: 8 },
      embed: { mean: 5.2, fill: 0.3 + 0.5 * loadAt(t) },
      rerank: { mean: 12.1, fill: 0.4 + 0.5 * loadAt(t + 9) },
    },
    queue: { generate: values.queue, embed: 0, rerank: 0, questions: 0, index: 0 },
    models: withModel ? MODELS : [],
    quality: withModel ? QUALITY : [],
    setpoints: { ...CONFIGURED, level: 'balanced', kv_format: 'int8', max_sequences: 6, rerank_depth: 24 },
    configured: CONFIGURED,
  };
}

export function decisionsAt(nowMs) {
  const ago = (minutes) => nowMs - minutes * 60_000;
  return {
    object: 'list',
    level: 'balanced',
    data: [
      {
        unix_ms: ago(2),
        setting: 'max_sequences',
        from: '8',
        to: '6',
        cause: 'memory budget is 83% used (5.0 of 6.0 GiB), above 80%',
        effect: 'two texts fewer run together; each takes about 96 MiB of keys and values',
      },
      {
        unix_ms: ago(9),
        setting: 'kv_format',
        from: 'f16',
        to: 'int8',
        cause: 'memory budget is 74% used (4.4 of 6.0 GiB), above 70%',
        effect: 'new sequences take 54% of the KV memory',
      },
      {
        unix_ms: ago(9),
        setting: 'level',
        from: 'conservative',
        to: 'balanced',
        cause: 'memory budget is 74% used (4.4 of 6.0 GiB), above 70%',
        effect: 'batches and caches are kept smaller until memory falls below 65%',
      },
      {
        unix_ms: ago(31),
        setting: 'rerank_depth',
        from: '40',
        to: '24',
        cause: 'p95 of answers is 2.8 s, the target is 3.0 s',
        effect: 'reranking takes about 40% less time',
      },
      {
        unix_ms: ago(75),
        setting: 'cache_memory_bytes',
        from: '33554432',
        to: '67108864',
        cause: '31% of questions were answered from the cache, which is 97% full',
        effect: 'about twice as many answers stay in memory',
      },
    ],
    recommendations: [
      {
        id: 'kv_int4',
        text: 'KV cache is 92% of the 1.5 GiB KV budget; int4 for new sequences saves 620.0 MiB',
        setting: 'kv.format = "int4"',
      },
      {
        id: 'memory_budget',
        text: 'memory budget is 83% used (5.0 of 6.0 GiB); with 6.7 GiB this load runs without halved batches',
        setting: 'memory.budget_mib = 6827',
      },
    ],
  };
}
