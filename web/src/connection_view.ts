// connection_view: whether the server is there, in the head of the page.
// SPDX-License-Identifier: Apache-2.0
import { fill, h } from './dom';
import type { Connection, StatsFeed } from './stats_feed';

const WORDS: Record<Connection, string> = {
  connecting: 'Connecting',
  live: 'Connected',
  lost: 'Connection lost',
  locked: 'Key needed',
};

export function showConnection(place: HTMLElement, feed: StatsFeed): void {
  const label = h('span', { role: 'status' });
  const action = h('button', { type: 'button', class: 'small', onclick: () => feed.retry() });
  let ticking = 0;

  const countDown = (): void => {
    const seconds = Math.max(0, Math.ceil((feed.retryAt - Date.now()) / 1000));
    action.title = `The next try comes in ${seconds} s`;
  };

  feed.listenConnection((connection) => {
    window.clearInterval(ticking);
    document.documentElement.dataset['connection'] = connection;
    label.textContent = WORDS[connection];
    fill(place, h('span', { class: `dot ${connection}`, 'aria-hidden': 'true' }), label);
    if (connection === 'locked') {
      action.textContent = 'Enter key';
      action.title = '';
      place.append(action);
    } else if (connection === 'lost') {
      action.textContent = 'Retry';
      place.append(action);
      countDown();
      ticking = window.setInterval(countDown, 1000);
    }
  });
}
