// PerformanceView: what the machine does now, did before, and what was decided about it.
// SPDX-License-Identifier: Apache-2.0
import { getJson, isAbort, messageOf, withQuery } from '../api';
import { fill, h } from '../dom';
import type { StatsFeed } from '../stats_feed';
import type { View } from '../tabs';
import { onThemeChange } from '../theme';
import type { Decisions, History, Stats } from '../types';
import { Chart } from './chart';
import { chartList } from './chart_list';
import { DecisionsView } from './decisions';
import { SeriesStore } from './series_store';
import { Tables } from './tables';
import { Tiles } from './tiles';
import { windowPicker } from './window_picker';

const MINUTE_MS = 60_000;
const DECISIONS_MS = 5_000;

export class PerformanceView implements View {
  private readonly tiles = new Tiles();
  private readonly tables = new Tables();
  private readonly decisions = new DecisionsView();
  private readonly store = new SeriesStore();
  private readonly charts: Chart[];
  private readonly message = h('div');
  private minutes = 5;
  private visible = false;
  private loading: AbortController | null = null;
  private historyTimer = 0;
  private decisionsTimer = 0;

  constructor(
    panel: HTMLElement,
    private readonly feed: StatsFeed,
  ) {
    this.charts = chartList(() => feed.stats).map((options) => new Chart(options));
    panel.append(
      h(
        'div',
        { class: 'page' },
        this.tiles.element,
        h(
          'div',
          { class: 'toolbar' },
          h('h2', {}, 'Over time'),
          windowPicker(this.minutes, (minutes) => this.choose(minutes)),
        ),
        this.message,
        h('div', { class: 'charts' }, ...this.charts.map(({ element }) => element)),
        h('div', { class: 'cards' }, this.decisions.log, this.decisions.advice),
        h('div', { class: 'columns' }, ...this.tables.elements),
      ),
    );
    feed.listen((stats) => this.onStats(stats));
    feed.listenConnection((connection) => {
      // What was missed meanwhile is in the history.
      if (connection !== 'live' || !this.visible) return;
      void this.load();
      void this.loadDecisions();
    });
    onThemeChange(() => {
      for (const chart of this.charts) chart.redraw();
      if (this.visible) this.draw();
    });
  }

  shown(visible: boolean): void {
    this.visible = visible;
    window.clearInterval(this.decisionsTimer);
    window.clearTimeout(this.historyTimer);
    if (!visible) return;
    this.decisionsTimer = window.setInterval(() => void this.loadDecisions(), DECISIONS_MS);
    void this.load();
    void this.loadDecisions();
    if (this.feed.stats) this.onStats(this.feed.stats);
  }

  private choose(minutes: number): void {
    this.minutes = minutes;
    void this.load();
  }

  private onStats(stats: Stats): void {
    this.store.append(stats);
    if (!this.visible) return;
    this.tiles.update(stats);
    this.tables.update(stats);
    if (this.store.isLive) this.draw();
  }

  private draw(): void {
    const end = Math.max(
      this.store.times[this.store.times.length - 1] ?? 0,
      Date.now() / 1000 - this.store.stepMs / 1000,
    );
    for (const chart of this.charts) chart.update(this.store, [end - this.minutes * 60, end]);
  }

  private async load(): Promise<void> {
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    window.clearTimeout(this.historyTimer);
    try {
      const history = await getJson<History>(
        withQuery('v1/stats/history', { minutes: this.minutes }),
        loading.signal,
      );
      this.store.load(withFill(history, this.feed.stats), this.minutes * MINUTE_MS);
      fill(this.message);
      this.draw();
      // Points of ten seconds or a minute come as whole points only.
      if (!this.store.isLive && this.visible)
        this.historyTimer = window.setTimeout(() => void this.load(), this.store.stepMs);
    } catch (error) {
      if (isAbort(error)) return;
      fill(this.message, h('p', { class: 'note error' }, `The history cannot be read: ${messageOf(error)}`));
    }
  }

  private async loadDecisions(): Promise<void> {
    if (this.feed.connection !== 'live') return;
    try {
      this.decisions.show(await getJson<Decisions>(withQuery('v1/decisions', { limit: 100 })));
    } catch {
      // The next look is five seconds away; a lost connection shows in the head of the page.
    }
  }
}

// The history has the mean size of batches; how full that is depends on the limit.
function withFill(history: History, stats: Stats | null): History {
  const limit = stats?.batch.generate.limit ?? 0;
  const mean = history.series['batch_mean'];
  if (!mean || limit <= 0) return history;
  return {
    ...history,
    series: { ...history.series, generate_fill: mean.map((value) => (value === null ? null : value / limit)) },
  };
}
