// DocumentsView: files in, their progress, and the list of what is indexed.
// SPDX-License-Identifier: Apache-2.0
import { ApiFailure, getJson, messageOf, sendJson, withQuery } from '../api';
import { collectionPicker, type Collections } from '../collections';
import { askForName, confirmDanger } from '../dialog';
import { fill, h } from '../dom';
import { notice } from '../notices';
import type { View } from '../tabs';
import type { DocumentInfo, IndexJob } from '../types';
import { DocumentTable } from './document_table';
import { dropZone } from './drop_zone';
import { IndexFeed } from './index_feed';
import { JobView } from './job_view';
import { Uploads } from './uploads';

const SETTLE_MS = 300; // several changes are one look at the list

export class DocumentsView implements View {
  private readonly uploads = new Uploads(() => this.loadSoon());
  private readonly table = new DocumentTable((document) => void this.remove(document));
  private readonly job = new JobView();
  private readonly message = h('div', { class: 'list-message' });
  private readonly feed: IndexFeed;
  private visible = false;
  private timer = 0;
  private indexing = false;

  constructor(
    panel: HTMLElement,
    private readonly collections: Collections,
  ) {
    this.feed = new IndexFeed({ changed: (job) => this.onJob(job), done: (job) => this.onDone(job) });
    const add = h('button', { type: 'button', class: 'small', onclick: () => void this.create() }, 'New collection');
    panel.append(
      h(
        'div',
        { class: 'page' },
        h('div', { class: 'toolbar' }, collectionPicker(collections, 'documents-collection'), add),
        dropZone(panel, (files) => this.uploads.add(files, collections.current)),
        this.uploads.element,
        this.job.element,
        this.message,
        this.table.element,
      ),
    );
    let shown = collections.current;
    collections.listen(() => {
      if (collections.current === shown) return;
      shown = collections.current;
      if (this.visible) this.start();
    });
  }

  shown(visible: boolean): void {
    this.visible = visible;
    if (visible) this.start();
    else this.feed.stop();
  }

  private start(): void {
    void this.load();
    this.feed.start(this.collections.current);
  }

  private loadSoon(): void {
    this.timer ||= window.setTimeout(() => {
      this.timer = 0;
      void this.load();
    }, SETTLE_MS);
  }

  private async load(): Promise<void> {
    const collection = this.collections.current;
    try {
      const list = await getJson<{ data: DocumentInfo[]; index?: IndexJob }>(
        withQuery('v1/documents', { collection }),
      );
      if (collection !== this.collections.current) return;
      this.table.show(list.data);
      if (list.index) this.job.show(list.index);
      fill(
        this.message,
        list.data.length === 0
          ? h(
              'div',
              { class: 'empty' },
              h('h2', {}, 'No documents yet'),
              h('p', {}, 'Drop files here to ask about them.'),
            )
          : null,
      );
    } catch (error) {
      const again = h('button', { type: 'button', class: 'small', onclick: () => this.start() }, 'Try again');
      const locked = error instanceof ApiFailure && error.status === 401;
      fill(
        this.message,
        h(
          'p',
          { class: 'note error' },
          locked
            ? 'The documents are shown once the key is given. '
            : `The documents cannot be listed: ${messageOf(error)} `,
          again,
        ),
      );
    }
  }

  private onJob(job: IndexJob): void {
    this.job.show(job);
    const busy = job.running || job.queued;
    // The states of the documents change while a run goes on, and at its end.
    if (busy || this.indexing) this.loadSoon();
    this.indexing = busy;
  }

  private onDone(job: IndexJob): void {
    this.indexing = false;
    this.job.show(job);
    this.loadSoon();
    this.reloadCounts();
  }

  private reloadCounts(): void {
    // Only the numbers beside the names; the list above tells of a failure.
    this.collections.load().catch(() => undefined);
  }

  private async remove(document: DocumentInfo): Promise<void> {
    const sure = await confirmDanger(
      `Delete “${document.name}”?`,
      'The file and its passages are removed from this collection, and answers that stand on it are forgotten.',
      'Delete',
    );
    if (!sure) return;
    try {
      const path = withQuery(`v1/documents/${encodeURIComponent(document.id)}`, {
        collection: this.collections.current,
      });
      await sendJson('DELETE', path);
      notice(`Deleted ${document.name}`);
      await this.load();
      this.table.focus();
      this.reloadCounts();
    } catch (error) {
      notice(`${document.name} was not deleted: ${messageOf(error)}`, 'error');
    }
  }

  private async create(): Promise<void> {
    const name = await askForName(
      'New collection',
      'Name',
      '[a-z0-9][a-z0-9_\\-]{0,62}',
      'Small letters, digits, - and _',
    );
    if (!name) return;
    try {
      await this.collections.create(name);
      notice(`Created “${name}”`);
    } catch (error) {
      notice(`The collection was not created: ${messageOf(error)}`, 'error');
    }
  }
}
