// cache_badge: where an answer came from and what that saved.
// SPDX-License-Identifier: Apache-2.0
import { h } from '../dom';
import { formatAge, formatMs, formatPercent } from '../format';
import type { RagAnswer } from '../types';

const TIERS: Record<string, string> = { memory: 'memory', disk: 'disk', near: 'cache' };

export function cacheBadge(answer: RagAnswer): HTMLElement {
  const { cached } = answer;
  const saved = cached && cached.saved_ms > 0 ? ` · saved ${formatMs(cached.saved_ms)}` : '';
  if (answer.cache === 'shared') return badge('cached', `Shared with a question that ran${saved}`, 'shared');
  if (answer.cache in TIERS) {
    const near = answer.cache === 'near' || (cached !== null && cached !== undefined && cached.similarity < 1);
    if (near) {
      const likeness = cached ? ` ${formatPercent(cached.similarity)}` : '';
      return badge(
        'near',
        `Near question${likeness}${saved}`,
        'near',
        cached ? `Answered ${formatAge(cached.age_ms)}` : '',
      );
    }
    return badge(
      'cached',
      `From cache (${TIERS[answer.cache]})${saved}`,
      'cache',
      cached ? `Answered ${formatAge(cached.age_ms)}` : '',
    );
  }
  return badge('fresh', answer.cache === 'off' ? 'Fresh (cache off)' : 'Fresh', 'fresh');
}

function badge(kind: string, text: string, state: string, title = ''): HTMLElement {
  return h('span', { class: `badge ${kind}`, 'data-cache': state, title: title || null }, text);
}
