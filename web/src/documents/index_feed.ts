// IndexFeed: the progress of indexing of one collection, as it happens.
// SPDX-License-Identifier: Apache-2.0
import { ApiFailure, events, isAbort, withQuery } from '../api';
import type { IndexJob } from '../types';

const WAIT_MS = 2_000;

export interface IndexHooks {
  changed: (job: IndexJob) => void;
  done: (job: IndexJob) => void;
}

export class IndexFeed {
  private abort: AbortController | null = null;

  constructor(private readonly hooks: IndexHooks) {}

  start(collection: string): void {
    this.stop();
    const abort = new AbortController();
    this.abort = abort;
    void this.run(collection, abort.signal);
  }

  stop(): void {
    this.abort?.abort();
    this.abort = null;
  }

  private async run(collection: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const event of events(withQuery('v1/index/events', { collection }), signal)) {
          const job = JSON.parse(event.data) as IndexJob;
          if (event.event === 'progress') this.hooks.changed(job);
          if (event.event === 'done') this.hooks.done(job);
        }
      } catch (error) {
        // The head of the page says that the connection is lost; a key that is wanted is asked for there.
        if (isAbort(error) || (error instanceof ApiFailure && error.status === 401)) return;
        if (!(error instanceof ApiFailure)) throw error;
      }
      await new Promise((resolve) => window.setTimeout(resolve, WAIT_MS));
    }
  }
}
