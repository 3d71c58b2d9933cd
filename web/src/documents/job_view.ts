// JobView: the run of the indexer, and what it left out and why.
// SPDX-License-Identifier: Apache-2.0
import { fill, h, setText } from '../dom';
import { formatMs, plural } from '../format';
import type { IndexJob, IndexReport } from '../types';

const PHASES: Record<string, string> = {
  scan: 'Looking for files',
  read: 'Reading',
  train: 'Learning the words',
  embed: 'Embedding passages',
  finish: 'Finishing',
};

export class JobView {
  readonly element = h('div', { class: 'job', hidden: true });
  private readonly bar = h('progress', { 'aria-label': 'Indexing' });
  private readonly words = h('span', { class: 'job-words', role: 'status' });
  private readonly path = h('span', { class: 'muted job-path' });
  private readonly running = h('div', { class: 'job-running' }, this.words, this.bar, this.path);
  private readonly report = h('div', { class: 'job-report' });

  constructor() {
    this.element.append(this.running, this.report);
  }

  show(job: IndexJob): void {
    const busy = job.running || job.queued;
    this.running.hidden = !busy;
    this.element.hidden = !busy && !job.report && !job.error;
    this.element.dataset['running'] = String(busy);
    if (busy) {
      this.showRunning(job);
      fill(this.report);
    } else {
      this.showReport(job);
    }
  }

  private showRunning(job: IndexJob): void {
    const { done = 0, total = 0 } = job;
    const phase = PHASES[job.phase ?? ''] ?? (job.running ? 'Indexing' : 'Waiting to index');
    setText(this.words, total > 0 ? `${phase}: ${done} of ${total}` : phase);
    setText(this.path, job.path ?? '');
    if (total > 0) {
      this.bar.max = total;
      this.bar.value = Math.min(done, total);
    } else {
      this.bar.removeAttribute('value');
    }
  }

  private showReport(job: IndexJob): void {
    const report = job.report;
    fill(
      this.report,
      job.error ? h('p', { class: 'note error' }, `Indexing failed: ${job.error}`) : null,
      report && hasChanges(report)
        ? h('p', { class: 'muted' }, `Last run: ${changes(report)} in ${formatMs(report.elapsed_ms)}`)
        : null,
      report && report.skipped.length > 0 ? skipped(report) : null,
    );
    this.element.hidden = this.report.childElementCount === 0;
  }
}

function hasChanges({ added, updated, removed, unchanged }: IndexReport): boolean {
  return added + updated + removed + unchanged > 0;
}

function changes({ added, updated, removed, unchanged }: IndexReport): string {
  const parts = [
    [added, 'added'],
    [updated, 'updated'],
    [removed, 'removed'],
    [unchanged, 'unchanged'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ');
}

function skipped(report: IndexReport): HTMLElement {
  return h(
    'details',
    { class: 'skipped', open: report.skipped.length <= 5 },
    h('summary', {}, `${plural(report.skipped.length, 'file')} left out`),
    h(
      'ul',
      {},
      ...report.skipped
        .slice(0, 200)
        .map(({ path, reason }) =>
          h('li', {}, h('span', { class: 'path' }, path), h('span', { class: 'error' }, reason)),
        ),
    ),
  );
}
