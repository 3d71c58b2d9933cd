// types: what the server's API sends, as far as the page reads it.
// SPDX-License-Identifier: Apache-2.0

export interface Citation {
  number: number;
  document_id: string;
  name: string;
  path: string;
  title?: string;
  heading?: string;
  start_line: number;
  end_line: number;
  page?: number | null;
  end_page?: number | null;
  quotes?: string[];
  changed_on_disk?: boolean;
}

export interface StageTime {
  stage: string;
  ms: number;
}

export interface Trace {
  stages: StageTime[];
  total_ms: number;
}

export interface CachedFrom {
  id: number;
  question: string;
  similarity: number;
  age_ms: number;
  saved_ms: number;
  saved_tokens: number;
}

export interface RagAnswer {
  question: string;
  collection: string;
  text: string;
  answered: boolean;
  citations: Citation[];
  provider: string;
  cache: string;
  cache_id?: number;
  cached?: CachedFrom | null;
  stale?: boolean;
  total_ms: number;
  trace?: Trace;
}

export interface DocumentInfo {
  id: string;
  name: string;
  path: string;
  size_bytes: number;
  chunks: number;
  modified_ms: number;
  uploaded: boolean;
  status: 'pending' | 'indexing' | 'indexed' | 'failed';
  error?: string | null;
}

export interface SourcePassage {
  heading: string;
  text: string;
  start_line: number;
  end_line: number;
  page?: number | null;
  end_page?: number | null;
}

export interface DocumentText extends DocumentInfo {
  passages: SourcePassage[];
}

export interface IndexReport {
  added: number;
  updated: number;
  removed: number;
  unchanged: number;
  skipped: { path: string; reason: string }[];
  elapsed_ms: number;
}

export interface IndexJob {
  job: number;
  running: boolean;
  queued: boolean;
  phase?: string;
  done?: number;
  total?: number;
  done_bytes?: number;
  total_bytes?: number;
  path?: string;
  error?: string | null;
  report?: IndexReport | null;
}

export interface CollectionInfo {
  name: string;
  documents: number;
  chunks: number;
}

export interface StageSummary {
  count: number;
  p50_ms: number;
  p90_ms: number;
  p95_ms: number;
  p99_ms: number;
  mean_ms: number;
  max_ms: number;
}

export type Stages = Record<string, StageSummary>;

export interface Setpoints {
  level: string;
  kv_format: string;
  max_sequences: number;
  prefill_tokens: number;
  embed_batch_tokens: number;
  rerank_batch_tokens: number;
  cache_memory_bytes: number;
  max_queued: number;
  rerank_depth: number;
  context_passages: number;
}

export interface BatchFill {
  mean: number | null;
  fill?: number | null;
}

export interface ModelInfo {
  role: string;
  name: string;
  architecture: string;
  weights: string;
  bytes: number;
  context: number;
}

export interface QualityScore {
  model: string;
  what: string;
  format: string;
  score: Record<string, number> | null;
  note?: string;
}

export interface Stats {
  unix_ms: number;
  version: string;
  uptime_s: number;
  collection_default?: { documents: number; chunks: number };
  memory: {
    rss_bytes: number;
    peak_rss_bytes: number;
    budget_bytes: number;
    used_share: number;
    system_total_bytes: number;
    system_available_bytes: number;
    parts: Record<string, number>;
  };
  gpu: {
    present: boolean;
    reason: string;
    devices: { name: string; total_bytes: number; used_bytes: number; utilisation: number | null }[];
  };
  stages: Stages;
  window: Stages;
  server: Record<string, number>;
  questions: { total: number; failed: number; per_s: number; waiting: number; running: number };
  tokens: Record<string, number>;
  kv: {
    format: string;
    used_bytes: number;
    held_bytes: number;
    budget_bytes: number;
    blocks: number;
    pages: number;
    sequences: number;
    prefix_hit_rate: number;
    evicted_blocks: number;
  } | null;
  cache: {
    hit_rate: number;
    answers: {
      hits: number;
      misses: number;
      near_hits: number;
      stale: number;
      stored: number;
      saved_ms: number;
      saved_tokens: number;
      tiers: { name: string; entries: number; bytes: number; limit_bytes: number; hits: number; misses: number }[];
    };
    computed: Record<string, { hits: number; misses: number }>;
  };
  batch: { generate: { mean: number | null; limit: number }; embed: BatchFill; rerank: BatchFill };
  queue: Record<string, number>;
  models: ModelInfo[];
  quality: QualityScore[];
  setpoints: Setpoints;
  configured: Setpoints;
  latency_target_ms?: number;
}

export interface History {
  step_ms: number;
  unix_ms: number[];
  series: Record<string, (number | null)[]>;
}

export interface Decision {
  unix_ms: number;
  setting: string;
  from: string;
  to: string;
  cause: string;
  effect: string;
}

export interface Recommendation {
  id: string;
  text: string;
  setting: string;
}

export interface Decisions {
  data: Decision[];
  recommendations: Recommendation[];
  level: string;
}
