// trace_bar: where the time of one answer went, as a bar of its stages and in words.
// SPDX-License-Identifier: Apache-2.0
import { h } from '../dom';
import { formatMs } from '../format';
import { stageColor, stageName } from '../stage_names';
import type { StageTime, Trace } from '../types';

const LEAST_SHARE = 0.004; // what takes less is not seen in the bar

export function traceBar(trace: Trace): HTMLElement {
  const stages = withRest(merged(trace.stages), trace.total_ms);
  const whole = stages.reduce((sum, { ms }) => sum + ms, 0) || 1;
  const bar = h('div', { class: 'trace-bar', 'aria-hidden': 'true' });
  const legend = h('ul', {
    class: 'trace-legend',
    'aria-label': `Time by stage, ${formatMs(trace.total_ms)} in all`,
  });
  for (const { stage, ms } of stages) {
    if (ms / whole >= LEAST_SHARE) {
      const part = h('span', { title: `${stageName(stage)}: ${formatMs(ms)}` });
      part.style.flexGrow = String(ms / whole);
      part.style.backgroundColor = `var(${stageColor(stage)})`;
      bar.append(part);
    }
    const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' });
    swatch.style.backgroundColor = `var(${stageColor(stage)})`;
    legend.append(h('li', {}, swatch, `${stageName(stage)} `, h('b', {}, formatMs(ms))));
  }
  return h('div', { class: 'trace' }, bar, legend);
}

// A stage may come twice: two searches, say.
function merged(stages: StageTime[]): StageTime[] {
  const sums = new Map<string, number>();
  for (const { stage, ms } of stages) sums.set(stage, (sums.get(stage) ?? 0) + ms);
  return [...sums].map(([stage, ms]) => ({ stage, ms }));
}

function withRest(stages: StageTime[], totalMs: number): StageTime[] {
  const parts = stages.filter(({ stage }) => !stage.startsWith('total'));
  const rest = totalMs - parts.reduce((sum, { ms }) => sum + ms, 0);
  return rest > totalMs * 0.02 ? [...parts, { stage: 'other', ms: rest }] : parts;
}
