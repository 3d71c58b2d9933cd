// DecisionsView: what the controller changed and why, and what a person could change for good.
// SPDX-License-Identifier: Apache-2.0
import { fill, h, icon } from '../dom';
import { formatBytes, formatClock, formatCount, formatDate } from '../format';
import { ICONS } from '../icons';
import { notice } from '../notices';
import type { Decision, Decisions, Recommendation } from '../types';

const DAY_MS = 86_400_000;

export class DecisionsView {
  readonly log = h('section', { class: 'card', id: 'decisions', 'aria-labelledby': 'decisions-title' });
  readonly advice = h('section', { class: 'card', id: 'recommendations', 'aria-labelledby': 'advice-title' });
  private readonly entries = h('ol', { class: 'decisions', tabindex: '0', 'aria-label': 'Decisions, newest first' });
  private readonly list = h('ul', { class: 'advice' });
  private shown = '';

  constructor() {
    this.log.append(
      h('h3', { id: 'decisions-title' }, 'Decisions'),
      h('p', { class: 'card-hint muted' }, 'What the server changed by itself, and why'),
      this.entries,
    );
    this.advice.append(
      h('h3', { id: 'advice-title' }, 'Recommendations'),
      h('p', { class: 'card-hint muted' }, 'What would help for good; the line goes into the configuration'),
      this.list,
    );
  }

  show(decisions: Decisions): void {
    // Nothing is drawn anew while it is read or copied.
    const content = JSON.stringify([decisions.data, decisions.recommendations]);
    if (content === this.shown) return;
    this.shown = content;
    const newest = [...decisions.data].sort((a, b) => b.unix_ms - a.unix_ms);
    fill(this.entries, ...newest.map(decisionItem));
    if (newest.length === 0)
      this.entries.append(h('li', { class: 'muted nothing' }, 'Nothing had to be changed so far.'));
    fill(this.list, ...decisions.recommendations.map(adviceItem));
    if (decisions.recommendations.length === 0)
      this.list.append(h('li', { class: 'muted nothing' }, 'Nothing to recommend at the moment.'));
  }
}

// Sizes come as bytes.
function valueText(setting: string, value: string): string {
  if (!/^\d+$/.test(value)) return value;
  return setting.endsWith('_bytes') ? formatBytes(Number(value)) : formatCount(Number(value));
}

function settingText(setting: string): string {
  return setting.replace(/_bytes$/, '').replaceAll('_', ' ');
}

function decisionItem(decision: Decision): HTMLElement {
  const { setting, from, to, cause, effect, unix_ms: time } = decision;
  const today = Date.now() - time < DAY_MS;
  return h(
    'li',
    {},
    h(
      'time',
      { datetime: new Date(time).toISOString(), title: formatDate(time) },
      today ? formatClock(time) : formatDate(time),
    ),
    h(
      'div',
      {},
      h(
        'p',
        { class: 'change' },
        h('b', {}, settingText(setting)),
        ' ',
        h('code', {}, valueText(setting, from)),
        h('span', { 'aria-label': 'to' }, ' → '),
        h('code', {}, valueText(setting, to)),
      ),
      h('p', {}, cause),
      h('p', { class: 'muted' }, effect),
    ),
  );
}

function adviceItem({ text, setting }: Recommendation): HTMLElement {
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(setting);
      notice('Copied');
    } catch {
      notice('The browser does not allow copying here', 'error');
    }
  };
  return h(
    'li',
    {},
    h('p', {}, text.charAt(0).toUpperCase() + text.slice(1)),
    setting === ''
      ? null
      : h(
          'div',
          { class: 'setting' },
          h('code', {}, setting),
          h(
            'button',
            {
              type: 'button',
              class: 'quiet icon-only',
              'aria-label': `Copy ${setting}`,
              title: 'Copy',
              onclick: () => void copy(),
            },
            icon(ICONS.copy),
          ),
        ),
  );
}
