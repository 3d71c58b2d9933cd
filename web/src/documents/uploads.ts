// Uploads: files on their way to the server, one after another, each with its own progress and its own error.
// SPDX-License-Identifier: Apache-2.0
import { messageOf, sendFile } from '../api';
import { h, icon } from '../dom';
import { formatBytes, formatPercent } from '../format';
import { ICONS } from '../icons';

interface Waiting {
  file: File;
  collection: string;
  row: Row;
}

export class Uploads {
  readonly element = h('ul', { class: 'uploads', 'aria-label': 'Uploads' });
  private readonly waiting: Waiting[] = [];
  private busy = false;

  // `onSent` after every file that the server took.
  constructor(private readonly onSent: () => void) {}

  add(files: File[], collection: string): void {
    for (const file of files) {
      const row = new Row(file);
      this.element.append(row.element);
      this.waiting.push({ file, collection, row });
    }
    if (!this.busy) void this.work();
  }

  private async work(): Promise<void> {
    this.busy = true;
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      const { file, collection, row } = next;
      try {
        await sendFile({ collection, file, onProgress: (bytes) => row.progress(bytes) });
        row.sent();
        this.onSent();
      } catch (error) {
        row.failed(messageOf(error));
      }
    }
    this.busy = false;
  }
}

const GONE_MS = 4_000;

class Row {
  readonly element: HTMLLIElement;
  private readonly bar: HTMLProgressElement;
  private readonly state = h('span', { class: 'upload-state muted' }, 'waiting');

  constructor(private readonly file: File) {
    this.bar = h('progress', { max: Math.max(1, file.size), value: 0, 'aria-label': `Upload of ${file.name}` });
    this.element = h('li', { class: 'upload' }, h('span', { class: 'upload-name' }, file.name), this.bar, this.state);
  }

  progress(bytes: number): void {
    const sent = Math.min(bytes, this.file.size);
    this.bar.value = sent;
    this.state.textContent = `${formatPercent(this.file.size > 0 ? sent / this.file.size : 1)} of ${formatBytes(this.file.size)}`;
  }

  sent(): void {
    this.bar.value = this.bar.max;
    this.state.textContent = 'uploaded';
    this.element.classList.add('sent');
    window.setTimeout(() => this.element.remove(), GONE_MS);
  }

  failed(why: string): void {
    this.bar.remove();
    this.element.classList.add('failed');
    this.state.className = 'upload-state error';
    this.state.setAttribute('role', 'alert');
    this.state.textContent = why;
    this.element.append(
      h(
        'button',
        {
          type: 'button',
          class: 'quiet icon-only',
          'aria-label': `Dismiss the error of ${this.file.name}`,
          onclick: () => this.element.remove(),
        },
        icon(ICONS.close),
      ),
    );
  }
}
