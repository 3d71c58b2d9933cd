// Chart: one drawing of uPlot with a legend that shows the newest value, or that under the pointer.
// SPDX-License-Identifier: Apache-2.0
import uPlot from 'uplot';

import { h, setText } from '../dom';
import { NOTHING, formatClock } from '../format';
import { colorOf } from '../theme';
import type { SeriesStore, Value } from './series_store';

export interface ChartLine {
  key: string;
  label: string;
  color: string; // custom property
  points?: boolean; // measured only now and then: points without a line
  meanOf?: number; // mean of so many points that were measured, instead of each
  constant?: () => Value; // the same value over the whole width: a limit
}

export interface ChartOptions {
  id: string;
  title: string;
  hint: string;
  format: (value: Value | undefined) => string;
  logarithmic?: boolean;
  bytes?: boolean; // marks at powers of two
  top?: number; // the least upper end of the scale
  lines: ChartLine[];
}

const HEIGHT_PX = 168;
const SYNC = 'docmind';

export class Chart {
  readonly element: HTMLElement;
  private readonly place = h('div', { class: 'plot' });
  private readonly values: HTMLElement[];
  private readonly entries: HTMLElement[];
  private readonly when = h('span', { class: 'chart-when muted' });
  private readonly nothing = h('p', { class: 'plot-empty muted' }, 'Nothing measured in this window');
  private plot: uPlot | null = null;
  private data: uPlot.AlignedData = [[]];

  constructor(private readonly options: ChartOptions) {
    this.values = options.lines.map(() => h('b', {}, NOTHING));
    this.entries = options.lines.map((line, index) => {
      const swatch = h('span', { class: line.constant ? 'swatch dashed' : 'swatch', 'aria-hidden': 'true' });
      swatch.style.setProperty('--swatch', `var(${line.color})`);
      return h('li', {}, swatch, `${line.label} `, this.values[index]);
    });
    const legend = h('ul', { class: 'legend' }, ...this.entries);
    this.place.append(this.nothing);
    this.element = h(
      'section',
      { class: 'card chart', id: `chart-${options.id}`, 'aria-labelledby': `chart-${options.id}-title` },
      h('div', { class: 'card-head' }, h('h3', { id: `chart-${options.id}-title` }, options.title), this.when),
      h('p', { class: 'card-hint muted' }, options.hint),
      legend,
      this.place,
    );
    new ResizeObserver(() => this.resize()).observe(this.place);
  }

  update(store: SeriesStore, range: [from: number, to: number]): void {
    const rows = this.options.lines.map((line) => this.rowOf(line, store));
    const has = rows.map((row) => row.some((value) => value !== null));
    const any = this.options.lines.some((line, index) => !line.constant && has[index]);
    this.entries.forEach((entry, index) => {
      entry.hidden = !has[index];
    });
    this.data = [store.times, ...rows] as uPlot.AlignedData;
    this.nothing.hidden = any;
    // For tests and for whoever reads the page by program.
    this.element.dataset['points'] = String(any ? store.times.length : 0);
    this.element.dataset['newest'] = String(store.times[store.times.length - 1] ?? '');
    this.plot ??= this.create();
    this.plot.batch(() => {
      this.plot!.setData(this.data, false);
      this.plot!.setScale('x', { min: range[0], max: range[1] });
    });
    if (this.plot.cursor.idx === null || this.plot.cursor.idx === undefined) this.showValues(null);
  }

  // Colours are taken when a chart is made.
  redraw(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  private rowOf(line: ChartLine, store: SeriesStore): Value[] {
    if (line.constant) {
      const value = line.constant();
      return store.times.map(() => value);
    }
    const least = this.options.logarithmic ? 0.001 : -Infinity;
    const row = store.of(line.key).map((value) => (value === null ? null : Math.max(least, value)));
    return line.meanOf ? rollingMean(row, line.meanOf) : row;
  }

  private create(): uPlot {
    const { options } = this;
    const axis = {
      stroke: colorOf('--muted'),
      font: '11px system-ui, sans-serif',
      ticks: { show: false },
      grid: { stroke: colorOf('--grid'), width: 1 },
    };
    const plot = new uPlot(
      {
        width: Math.max(1, this.place.clientWidth),
        height: HEIGHT_PX,
        legend: { show: false },
        padding: [10, 28, 0, 0],
        cursor: {
          y: false,
          drag: { x: false, y: false },
          sync: { key: SYNC, setSeries: false },
          points: { size: 5 },
        },
        scales: {
          x: { time: true },
          y: options.logarithmic
            ? { distr: 3, range: logRange }
            : { range: (_plot, _min, max) => linearRange(max, options.top ?? 0) },
        },
        axes: [
          {
            ...axis,
            size: 22,
            space: (self) => (self.width < 360 ? 40 : 60),
            values: (_plot, times) => times.map((time) => formatClock(time * 1000, spans(times) < 60)),
          },
          {
            ...axis,
            size: 62,
            space: 32,
            values: (_plot, marks) => marks.map((mark) => (mark === null ? '' : shortMark(options.format(mark)))),
            ...(options.logarithmic ? { filter: wholeDecades, grid: { ...axis.grid, filter: wholeDecades } } : {}),
            ...(options.bytes ? { incrs: POWERS_OF_TWO } : {}),
          },
        ],
        series: [
          {},
          ...options.lines.map(
            (line): uPlot.Series => ({
              label: line.label,
              stroke: colorOf(line.color),
              width: 1.5,
              spanGaps: line.meanOf !== undefined,
              ...(line.constant ? { dash: [5, 4], points: { show: false } } : {}),
              ...(line.points
                ? { paths: () => null, points: { show: true, size: 4, fill: colorOf(line.color) } }
                : {}),
            }),
          ),
        ],
        hooks: { setCursor: [(self) => this.showValues(self.cursor.idx ?? null)] },
      },
      this.data,
      this.place,
    );
    return plot;
  }

  // Of a point, or of the newest where something was measured.
  private showValues(index: number | null): void {
    setText(this.when, index === null ? '' : formatClock((this.data[0]![index] ?? 0) * 1000));
    this.options.lines.forEach((_line, line) => {
      const row = this.data[line + 1] as Value[] | undefined;
      const value = index === null ? newestOf(row) : row?.[index];
      setText(this.values[line]!, this.options.format(value));
    });
  }

  private resize(): void {
    const width = this.place.clientWidth;
    if (this.plot && width > 0 && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT_PX });
  }
}

const POWERS_OF_TWO = Array.from({ length: 50 }, (_, power) => 2 ** power);
const RECENT_POINTS = 60;

// What was measured long ago is not the value of now.
function newestOf(row: Value[] | undefined): Value {
  if (!row) return null;
  for (let index = row.length - 1; index >= Math.max(0, row.length - RECENT_POINTS); index -= 1) {
    const value = row[index];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

// "10.00 s" as "10 s".
function shortMark(text: string): string {
  return text.replace(/\.0+(?=\D|$)/, '');
}

// Of the points until each one, those that were not measured left out.
function rollingMean(row: Value[], length: number): Value[] {
  let sum = 0;
  let count = 0;
  const change = (value: Value | undefined, sign: 1 | -1): void => {
    if (value === null || value === undefined) return;
    sum += sign * value;
    count += sign;
  };
  return row.map((value, index) => {
    change(value, 1);
    if (index >= length) change(row[index - length], -1);
    return count > 0 ? Math.max(0, sum / count) : null;
  });
}

function spans(times: number[]): number {
  return times.length > 1 ? times[1]! - times[0]! : 0;
}

function linearRange(max: number | null, top: number): [number, number] {
  const most = Math.max(max ?? 0, top);
  return [0, most > 0 ? most * 1.08 : 1];
}

function logRange(_plot: uPlot, min: number | null, max: number | null): [number, number] {
  const low = Math.floor(Math.log10(Math.max(min ?? 1, 0.001)));
  const high = Math.ceil(Math.log10(Math.max(max ?? 10, 0.01)));
  return [10 ** low, 10 ** Math.max(high, low + 1)];
}

function wholeDecades(_plot: uPlot, marks: number[]): (number | null)[] {
  return marks.map((mark) => (Math.abs(Math.log10(mark) - Math.round(Math.log10(mark))) < 1e-9 ? mark : null));
}
