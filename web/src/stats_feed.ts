// StatsFeed: what the server measures, once a second, for everything on the page that shows it.
// SPDX-License-Identifier: Apache-2.0
import { ApiFailure, events, isAbort } from './api';
import { allowAsking } from './key';
import type { Stats } from './types';

export type Connection = 'connecting' | 'live' | 'lost' | 'locked';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;
const SILENCE_MS = 20_000; // a stream that says nothing for so long is taken for dead

export class StatsFeed {
  stats: Stats | null = null;
  connection: Connection = 'connecting';
  retryAt = 0; // of the clock of Date.now(), where the connection is lost

  private readonly onStats = new Set<(stats: Stats) => void>();
  private readonly onConnection = new Set<(connection: Connection) => void>();
  private wake: (() => void) | null = null;

  listen(listener: (stats: Stats) => void): void {
    this.onStats.add(listener);
    if (this.stats) listener(this.stats);
  }

  listenConnection(listener: (connection: Connection) => void): void {
    this.onConnection.add(listener);
    listener(this.connection);
  }

  // At once, whatever it waits for.
  retry(): void {
    allowAsking();
    this.wake?.();
  }

  async run(): Promise<never> {
    let waitMs = FIRST_WAIT_MS;
    for (;;) {
      let state: Connection = 'lost';
      try {
        await this.read(() => {
          waitMs = FIRST_WAIT_MS;
        });
      } catch (error) {
        if (error instanceof ApiFailure && error.status === 401) state = 'locked';
        else if (!(error instanceof ApiFailure) && !isAbort(error)) throw error;
      }
      this.retryAt = Date.now() + waitMs;
      this.become(state);
      await this.sleep(state === 'locked' ? null : waitMs);
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * 2);
      this.become('connecting');
    }
  }

  private async read(onFirst: () => void): Promise<void> {
    const abort = new AbortController();
    let timer = 0;
    const watch = (): void => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => abort.abort(), SILENCE_MS);
    };
    try {
      for await (const event of events('v1/stats/events', abort.signal)) {
        watch();
        if (event.event !== 'stats') continue;
        this.stats = JSON.parse(event.data) as Stats;
        onFirst();
        this.become('live');
        for (const listener of this.onStats) listener(this.stats);
      }
    } finally {
      window.clearTimeout(timer);
    }
  }

  private become(connection: Connection): void {
    if (connection === this.connection) return;
    this.connection = connection;
    for (const listener of this.onConnection) listener(connection);
  }

  private sleep(ms: number | null): Promise<void> {
    return new Promise((resolve) => {
      const timer = ms === null ? 0 : window.setTimeout(resolve, ms);
      this.wake = () => {
        window.clearTimeout(timer);
        resolve();
      };
    });
  }
}
