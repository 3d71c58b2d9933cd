// chart_list: what the charts show.
// SPDX-License-Identifier: Apache-2.0
import { formatBytes, formatMs, formatNumber, formatPercent } from '../format';
import type { Stats } from '../types';
import type { ChartOptions } from './chart';
import { latencyTarget } from './target';

export type NewestStats = () => Stats | null;

export function chartList(newest: NewestStats): ChartOptions[] {
  return [
    {
      id: 'latency',
      title: 'Latency by stage',
      hint: '95th percentile of the last minute, logarithmic',
      format: formatMs,
      logarithmic: true,
      lines: [
        { key: 'total_p95_ms', label: 'Whole answer', color: '--text' },
        { key: 'queue_p95_ms', label: 'Waiting', color: '--c-grey' },
        { key: 'cache_p95_ms', label: 'Cache', color: '--c-teal' },
        { key: 'embed_p95_ms', label: 'Embed', color: '--c-violet' },
        { key: 'retrieve_p95_ms', label: 'Retrieve', color: '--c-blue' },
        { key: 'rerank_p95_ms', label: 'Rerank', color: '--c-amber' },
        { key: 'prefill_p95_ms', label: 'Read prompt', color: '--c-red' },
        { key: 'ttft_p95_ms', label: 'First token', color: '--c-pink' },
        { key: 'decode_p95_ms', label: 'Write text', color: '--c-green' },
        { key: 'target', label: 'Target', color: '--bad', constant: () => latencyTarget(newest()) },
      ],
    },
    {
      id: 'memory',
      title: 'Memory',
      hint: 'Resident memory of the server against its budget',
      format: formatBytes,
      bytes: true,
      lines: [
        { key: 'rss_bytes', label: 'In use', color: '--c-blue' },
        { key: 'gpu_used_bytes', label: 'GPU', color: '--c-violet' },
        { key: 'budget', label: 'Budget', color: '--bad', constant: () => newest()?.memory.budget_bytes || null },
      ],
    },
    {
      id: 'tokens',
      title: 'Tokens generated a second',
      hint: 'Over all texts',
      format: formatNumber,
      lines: [{ key: 'generated_per_s', label: 'Generated', color: '--c-green' }],
    },
    {
      id: 'reading',
      title: 'Tokens read a second',
      hint: 'Prompts, and texts that are embedded',
      format: formatNumber,
      lines: [
        { key: 'prompt_per_s', label: 'Prompt', color: '--c-amber' },
        { key: 'embedded_per_s', label: 'Embedded', color: '--c-violet' },
      ],
    },
    {
      id: 'kv',
      title: 'KV cache',
      hint: 'Keys and values of the texts in work, against their budget',
      format: formatBytes,
      bytes: true,
      lines: [
        { key: 'kv_used_bytes', label: 'Used', color: '--c-violet' },
        { key: 'kv_budget', label: 'Budget', color: '--bad', constant: () => newest()?.kv?.budget_bytes || null },
      ],
    },
    {
      id: 'cache',
      title: 'Answer cache',
      hint: 'Share of questions that were answered from the cache',
      format: formatPercent,
      top: 1,
      lines: [
        { key: 'cache_hit_rate', label: 'Of the last 60 points', color: '--c-teal', meanOf: 60 },
        { key: 'cache_hit_rate', label: 'Of one', color: '--c-grey', points: true },
      ],
    },
    {
      id: 'batch',
      title: 'Batch fill',
      hint: 'How full the batches are that run together',
      format: formatPercent,
      top: 1,
      lines: [
        { key: 'generate_fill', label: 'Generate', color: '--c-green' },
        { key: 'embed_fill', label: 'Embed', color: '--c-violet' },
        { key: 'rerank_fill', label: 'Rerank', color: '--c-amber' },
      ],
    },
    {
      id: 'queue',
      title: 'Queue',
      hint: 'Work that waits, and work that runs',
      format: formatNumber,
      top: 4,
      lines: [
        { key: 'queue', label: 'Waiting', color: '--c-amber' },
        { key: 'running', label: 'Running', color: '--c-blue' },
        { key: 'refused', label: 'Refused', color: '--bad' },
      ],
    },
    {
      id: 'load',
      title: 'Load',
      hint: 'Of all clients',
      format: formatNumber,
      lines: [
        { key: 'requests_per_s', label: 'Requests/s', color: '--c-blue' },
        { key: 'questions_per_s', label: 'Questions/s', color: '--c-teal' },
      ],
    },
  ];
}
