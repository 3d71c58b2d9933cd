// notices: short messages at the top of the page, read out by screen readers.
// SPDX-License-Identifier: Apache-2.0
import { byId, h, icon } from './dom';
import { ICONS } from './icons';

const STAY_MS = 6_000;

export function notice(text: string, kind: 'info' | 'error' = 'info'): void {
  const remove = (): void => item.remove();
  const item = h(
    'div',
    { class: `notice ${kind}` },
    h('span', {}, text),
    h(
      'button',
      { type: 'button', class: 'quiet icon-only', 'aria-label': 'Dismiss', onclick: remove },
      icon(ICONS.close),
    ),
  );
  byId('notices').append(item);
  // Errors stay until somebody has read them.
  if (kind === 'info') window.setTimeout(remove, STAY_MS);
}
