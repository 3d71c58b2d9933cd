// DocumentTable: the documents of a collection.
// SPDX-License-Identifier: Apache-2.0
import { fill, h, icon } from '../dom';
import { NOTHING, formatBytes, formatCount, formatDate, plural } from '../format';
import { ICONS } from '../icons';
import type { DocumentInfo } from '../types';

const PAGE = 200; // rows that are drawn at once
const FILTER_FROM = 12; // documents, before a filter is of use

const STATES: Record<DocumentInfo['status'], string> = {
  pending: 'Waiting',
  indexing: 'Indexing',
  indexed: 'Indexed',
  failed: 'Failed',
};

export class DocumentTable {
  readonly element = h('div', { class: 'documents-list' });
  private documents: DocumentInfo[] = [];
  private shown = PAGE;
  private readonly filter = h('input', {
    type: 'search',
    id: 'filter',
    placeholder: 'Filter by name',
    'aria-label': 'Filter by name',
    oninput: () => this.draw(),
  });
  private readonly head = h('div', { class: 'list-head' });
  private readonly count = h('h2', { tabindex: '-1' });
  private readonly rows = h('tbody');
  private readonly table: HTMLElement;
  private readonly more = h(
    'button',
    {
      type: 'button',
      class: 'small more',
      onclick: () => {
        this.shown += PAGE;
        this.draw();
      },
    },
    'Show more',
  );

  constructor(private readonly onDelete: (document: DocumentInfo) => void) {
    this.head.append(this.count, this.filter);
    this.table = h(
      'table',
      { class: 'table' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ...['Name', 'Status', 'Size', 'Passages', 'Changed', ''].map((title, index) =>
            h(
              'th',
              { scope: 'col', class: index === 2 || index === 3 ? 'number' : null },
              title || h('span', { class: 'sr-only' }, 'Actions'),
            ),
          ),
        ),
      ),
      this.rows,
    );
    this.element.append(this.head, this.table, this.more);
  }

  show(documents: DocumentInfo[]): void {
    this.documents = documents;
    this.draw();
  }

  // After a row is gone the focus has to be somewhere.
  focus(): void {
    this.count.focus();
  }

  private draw(): void {
    const words = this.filter.value.trim().toLowerCase();
    this.filter.hidden = this.documents.length < FILTER_FROM;
    const found =
      this.filter.hidden || words === ''
        ? this.documents
        : this.documents.filter(({ name, path }) => `${name} ${path}`.toLowerCase().includes(words));
    this.count.textContent =
      found.length === this.documents.length
        ? plural(found.length, 'document')
        : `${formatCount(found.length)} of ${plural(this.documents.length, 'document')}`;
    this.table.hidden = found.length === 0;
    this.element.hidden = this.documents.length === 0;
    this.more.hidden = found.length <= this.shown;
    fill(this.rows, ...found.slice(0, this.shown).map((document) => this.row(document)));
  }

  private row(document: DocumentInfo): HTMLElement {
    const remove = document.uploaded
      ? h(
          'button',
          {
            type: 'button',
            class: 'quiet icon-only',
            'aria-label': `Delete ${document.name}`,
            title: 'Delete',
            onclick: () => this.onDelete(document),
          },
          icon(ICONS.trash),
        )
      : h('span', { class: 'muted', title: 'Lies in a folder that is indexed: delete the file there' }, 'folder');
    return h(
      'tr',
      { 'data-id': document.id },
      h(
        'th',
        { scope: 'row', title: document.path },
        document.name,
        document.error ? h('p', { class: 'error' }, document.error) : null,
      ),
      h('td', {}, h('span', { class: `state ${document.status}` }, STATES[document.status])),
      h('td', { class: 'number' }, formatBytes(document.size_bytes)),
      h(
        'td',
        { class: 'number', 'data-unit': document.chunks === 1 ? 'passage' : 'passages' },
        document.status === 'indexed' ? formatCount(document.chunks) : NOTHING,
      ),
      h('td', { class: 'date' }, formatDate(document.modified_ms)),
      h('td', { class: 'row-actions' }, remove),
    );
  }
}
