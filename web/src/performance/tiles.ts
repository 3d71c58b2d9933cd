// Tiles: the state of the machine at a glance.
// SPDX-License-Identifier: Apache-2.0
import { h, setText } from '../dom';
import { NOTHING, formatBytes, formatCount, formatMs, formatNumber, formatPercent, formatSpan } from '../format';
import type { Stats } from '../types';
import { latencyTarget } from './target';

type Mood = 'good' | 'warn' | 'bad' | 'idle';

interface Reading {
  value: string;
  below: string;
  mood: Mood;
  share?: number | null; // of a bar
}

interface TileSpec {
  id: string;
  title: string;
  read: (stats: Stats) => Reading;
}

const MANY_WAITING = 8;

const MOOD_WORDS: Record<Mood, string> = { good: 'fine', warn: 'near its limit', bad: 'over its limit', idle: '' };

function moodOf(share: number, warn: number, bad: number): Mood {
  if (share >= bad) return 'bad';
  return share >= warn ? 'warn' : 'good';
}

function memoryTile({ memory }: Stats): Reading {
  const limited = memory.budget_bytes > 0;
  const share = limited ? memory.rss_bytes / memory.budget_bytes : null;
  return {
    value: formatBytes(memory.rss_bytes),
    below: limited
      ? `${formatPercent(share)} of ${formatBytes(memory.budget_bytes)}`
      : `${formatBytes(memory.system_available_bytes)} free`,
    mood: share === null ? 'idle' : moodOf(share, 0.8, 1),
    share,
  };
}

function tokensTile({ kv, tokens }: Stats): Reading {
  if (kv === null) return { value: NOTHING, below: 'no language model', mood: 'idle' };
  return {
    value: formatNumber(tokens['generated_per_s']),
    below: `prompt ${formatNumber(tokens['prompt_per_s'])}/s`,
    mood: 'idle',
  };
}

function latencyTile(stats: Stats): Reading {
  const target = latencyTarget(stats);
  const summary = stats.window['total_ask'];
  if (!summary || summary.count === 0)
    return { value: NOTHING, below: `no answers in the last minute`, mood: 'idle' };
  const share = summary.p95_ms / target;
  return { value: formatMs(summary.p95_ms), below: `target ${formatMs(target)}`, mood: moodOf(share, 0.8, 1), share };
}

function cacheTile({ cache }: Stats): Reading {
  const { answers } = cache;
  const asked = answers.hits + answers.misses;
  if (asked === 0) return { value: NOTHING, below: 'no questions yet', mood: 'idle' };
  return {
    value: formatPercent(cache.hit_rate),
    below: `saved ${formatSpan(answers.saved_ms / 1000)}`,
    mood: 'idle',
    share: cache.hit_rate,
  };
}

function workTile({ questions, queue }: Stats): Reading {
  const waiting = Object.entries(queue).reduce((sum, [name, count]) => (name === 'index' ? sum : sum + count), 0);
  return {
    value: `${formatCount(questions.running)} / ${formatCount(waiting)}`,
    below: 'running / waiting',
    mood: waiting > MANY_WAITING ? 'warn' : 'idle',
  };
}

function levelTile({ setpoints, uptime_s: uptime }: Stats): Reading {
  return {
    value: setpoints.level.charAt(0).toUpperCase() + setpoints.level.slice(1),
    below: `KV ${setpoints.kv_format}, up ${formatSpan(uptime)}`,
    mood: 'idle',
  };
}

const TILES: TileSpec[] = [
  { id: 'memory', title: 'Memory', read: memoryTile },
  { id: 'latency', title: 'Answer time, p95', read: latencyTile },
  { id: 'tokens', title: 'Tokens a second', read: tokensTile },
  { id: 'cache', title: 'From cache', read: cacheTile },
  { id: 'work', title: 'Questions', read: workTile },
  { id: 'level', title: 'Control level', read: levelTile },
];

export class Tiles {
  readonly element = h('div', { class: 'tiles' });
  private readonly tiles = TILES.map((spec) => new Tile(spec));

  constructor() {
    this.element.append(...this.tiles.map(({ element }) => element));
  }

  update(stats: Stats): void {
    for (const tile of this.tiles) tile.show(stats);
  }
}

class Tile {
  readonly element: HTMLElement;
  private readonly value = h('dd', { class: 'tile-value' }, NOTHING);
  private readonly below = h('dd', { class: 'tile-below muted' });
  private readonly mood = h('dd', { class: 'sr-only' });
  private readonly bar = h('div', { class: 'tile-bar', 'aria-hidden': 'true' }, h('span'));

  constructor(private readonly spec: TileSpec) {
    this.element = h(
      'dl',
      { class: 'tile', id: `tile-${spec.id}` },
      h('dt', {}, spec.title),
      this.value,
      this.below,
      this.mood,
    );
    this.element.append(this.bar);
  }

  show(stats: Stats): void {
    const reading = this.spec.read(stats);
    setText(this.value, reading.value);
    setText(this.below, reading.below);
    setText(this.mood, MOOD_WORDS[reading.mood]);
    this.element.dataset['mood'] = reading.mood;
    const { share = null } = reading;
    this.bar.hidden = share === null;
    if (share !== null)
      (this.bar.firstElementChild as HTMLElement).style.width = `${Math.min(100, share * 100).toFixed(1)}%`;
  }
}
