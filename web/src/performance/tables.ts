// tables: the numbers behind the charts: stages, models, GPU, quality, caches, settings.
// SPDX-License-Identifier: Apache-2.0
import { fill, h } from '../dom';
import { NOTHING, formatBytes, formatCount, formatMs, formatNumber, formatPercent } from '../format';
import { inStageOrder, stageName } from '../stage_names';
import type { BatchFill, Setpoints, Stats } from '../types';

// What differs from the usual stands out.
type Cell = string | { strong: string };

interface TableSpec {
  columns: string[];
  numbers: number; // so many columns from the end are numbers
  rows: Cell[][];
  empty: string;
}

// A table is drawn anew only when its words change.
class TableCard {
  readonly element: HTMLElement;
  private readonly place = h('div', { class: 'table-scroll', tabindex: '0', role: 'region' });
  private shown = '';

  constructor(id: string, title: string, hint: string) {
    this.place.setAttribute('aria-label', title);
    this.element = h(
      'section',
      { class: 'card', id, 'aria-labelledby': `${id}-title` },
      h('h3', { id: `${id}-title` }, title),
      h('p', { class: 'card-hint muted' }, hint),
      this.place,
    );
  }

  show(spec: TableSpec): void {
    const content = JSON.stringify(spec);
    if (content === this.shown) return;
    this.shown = content;
    if (spec.rows.length === 0) {
      fill(this.place, h('p', { class: 'muted nothing' }, spec.empty));
      return;
    }
    const first = spec.columns.length - spec.numbers;
    const kind = (index: number): string | null => (index >= first ? 'number' : null);
    fill(
      this.place,
      h(
        'table',
        { class: 'table' },
        h(
          'thead',
          {},
          h('tr', {}, ...spec.columns.map((name, index) => h('th', { scope: 'col', class: kind(index) }, name))),
        ),
        h(
          'tbody',
          {},
          ...spec.rows.map((row) =>
            h(
              'tr',
              {},
              ...row.map((cell, index) =>
                index === 0
                  ? h('th', { scope: 'row' }, cellNode(cell))
                  : h('td', { class: kind(index) }, cellNode(cell)),
              ),
            ),
          ),
        ),
      ),
    );
  }
}

function cellNode(cell: Cell): HTMLElement | string {
  return typeof cell === 'string' ? cell : h('strong', {}, cell.strong);
}

export class Tables {
  private readonly stages = new TableCard('stages', 'Stages', 'Since the server started');
  private readonly models = new TableCard('models', 'Models', 'Loaded, in one process and one memory budget');
  private readonly gpu = new TableCard('gpu', 'GPU', 'As its driver reports it');
  private readonly quality = new TableCard('quality', 'Quality of the formats', 'Against the unquantized original');
  private readonly caches = new TableCard('caches', 'Caches', 'Answers by tier, computations by kind');
  private readonly batches = new TableCard('batches', 'Batches', 'What runs together');
  private readonly settings = new TableCard(
    'settings',
    'Settings now',
    'What the controller may move, and what was configured',
  );
  readonly elements: HTMLElement[] = [
    this.stages,
    this.caches,
    this.models,
    this.settings,
    this.batches,
    this.quality,
    this.gpu,
  ].map(({ element }) => element);

  update(stats: Stats): void {
    this.stages.show(stagesTable(stats));
    this.models.show(modelsTable(stats));
    this.gpu.show(gpuTable(stats));
    this.quality.show(qualityTable(stats));
    this.caches.show(cachesTable(stats));
    this.batches.show(batchesTable(stats));
    this.settings.show(settingsTable(stats));
  }
}

function stagesTable({ stages }: Stats): TableSpec {
  return {
    columns: ['Stage', 'Count', 'p50', 'p95', 'p99'],
    numbers: 4,
    rows: inStageOrder(Object.keys(stages)).map((name) => {
      const { count, p50_ms: p50, p95_ms: p95, p99_ms: p99 } = stages[name]!;
      return [stageName(name), formatCount(count), formatMs(p50), formatMs(p95), formatMs(p99)];
    }),
    empty: 'Nothing has been asked or indexed yet.',
  };
}

function modelsTable({ models }: Stats): TableSpec {
  return {
    columns: ['Model', 'Role', 'Architecture', 'Size', 'Context'],
    numbers: 2,
    rows: models.map(({ name, role, architecture, bytes, context }) => [
      name,
      role,
      architecture,
      formatBytes(bytes),
      formatCount(context),
    ]),
    empty: 'No model is loaded: search and answers use the built-in word model.',
  };
}

function gpuTable({ gpu }: Stats): TableSpec {
  return {
    columns: ['GPU', 'Used', 'Memory', 'Busy'],
    numbers: 3,
    rows: gpu.devices.map(({ name, used_bytes: used, total_bytes: total, utilisation }) => [
      name,
      formatBytes(used),
      formatBytes(total),
      formatPercent(utilisation),
    ]),
    empty: gpu.reason === '' ? 'No GPU.' : `No GPU: ${gpu.reason}`,
  };
}

function qualityTable({ quality }: Stats): TableSpec {
  return {
    columns: ['Model', 'Part', 'Format', 'Score'],
    numbers: 0,
    rows: quality.map(({ model, what, format, score, note }) => [
      model,
      what === 'kv' ? 'KV cache' : what,
      format,
      score === null ? (note ?? 'not measured') : scoreText(score),
    ]),
    empty: 'No scores have been measured for the loaded models.',
  };
}

function scoreText(score: Record<string, number>): string {
  return Object.entries(score)
    .map(([name, value]) => `${name.replaceAll('_', ' ')} ${Number(value.toPrecision(3))}`)
    .join(', ');
}

function rateOf(hits: number, misses: number): string {
  return hits + misses > 0 ? formatPercent(hits / (hits + misses)) : NOTHING;
}

function cachesTable({ cache }: Stats): TableSpec {
  const tiers = cache.answers.tiers.map(({ name, entries, bytes, limit_bytes: limit, hits, misses }) => [
    `Answers: ${name}`,
    `${formatCount(entries)} entries`,
    `${formatBytes(bytes)} of ${formatBytes(limit)}`,
    formatCount(hits),
    rateOf(hits, misses),
  ]);
  const computed = Object.entries(cache.computed).map(([kind, { hits, misses }]) => [
    `Computed: ${kind.replaceAll('_', ' ')}`,
    '',
    '',
    formatCount(hits),
    rateOf(hits, misses),
  ]);
  return {
    columns: ['Cache', 'Holds', 'Size', 'Hits', 'Hit rate'],
    numbers: 4,
    rows: [...tiers, ...computed],
    empty: 'The caches are off.',
  };
}

function batchesTable({ batch, queue }: Stats): TableSpec {
  const encoder = (name: string, fill: BatchFill, waiting: number | undefined): Cell[] => [
    name,
    formatNumber(fill.mean),
    formatPercent(fill.fill),
    formatCount(waiting ?? 0),
  ];
  const { mean, limit } = batch.generate;
  return {
    columns: ['Work', 'Mean size', 'Fill', 'Waiting'],
    numbers: 3,
    rows: [
      [
        'Generate',
        formatNumber(mean),
        mean === null || limit <= 0 ? NOTHING : formatPercent(mean / limit),
        formatCount(queue['generate'] ?? 0),
      ],
      encoder('Embed', batch.embed, queue['embed']),
      encoder('Rerank', batch.rerank, queue['rerank']),
    ],
    empty: '',
  };
}

const SETTINGS: [keyof Setpoints, string, (value: number) => string][] = [
  ['max_sequences', 'Texts generated together', formatCount],
  ['prefill_tokens', 'Prompt tokens a step', formatCount],
  ['embed_batch_tokens', 'Embedding batch, tokens', formatCount],
  ['rerank_batch_tokens', 'Rerank batch, tokens', formatCount],
  ['cache_memory_bytes', 'Answer cache in memory', formatBytes],
  ['max_queued', 'Longest queue', formatCount],
  ['rerank_depth', 'Passages reranked', formatCount],
  ['context_passages', 'Passages per answer', formatCount],
];

function settingsTable({ setpoints, configured }: Stats): TableSpec {
  const row = (name: string, now: string, wanted: string): Cell[] => [
    name,
    now === wanted ? now : { strong: now },
    wanted,
  ];
  return {
    columns: ['Setting', 'Now', 'Configured'],
    numbers: 2,
    rows: [
      row('KV format of new texts', setpoints.kv_format, configured.kv_format),
      ...SETTINGS.map(([key, name, format]) =>
        row(name, format(setpoints[key] as number), format(configured[key] as number)),
      ),
    ],
    empty: '',
  };
}
