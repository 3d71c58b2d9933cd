// SourcePanel: the document behind a citation, opened at the passage, beside the conversation.
// SPDX-License-Identifier: Apache-2.0
import { getJson, isAbort, messageOf, withQuery } from '../api';
import { fill, h, icon } from '../dom';
import { formatPlace, plural } from '../format';
import { ICONS } from '../icons';
import type { Citation, DocumentText, SourcePassage } from '../types';
import { isCited, sourceLines } from './source_text';

const AROUND = 2; // passages shown before and behind the cited one
const MORE = 10; // with each press of a button

export class SourcePanel {
  readonly element: HTMLElement;

  private readonly title = h('h2', { id: 'source-title', tabindex: '-1' });
  private readonly place = h('p', { class: 'muted' });
  private readonly body = h('div', {
    class: 'source-body',
    tabindex: '0',
    role: 'region',
    'aria-label': 'Text of the source',
  });
  private opener: HTMLElement | null = null;
  private loading: AbortController | null = null;

  constructor() {
    const close = h(
      'button',
      {
        type: 'button',
        class: 'quiet icon-only',
        'aria-label': 'Close source',
        title: 'Close (Esc)',
        onclick: () => this.close(),
      },
      icon(ICONS.close),
    );
    this.element = h(
      'aside',
      { class: 'source', 'aria-labelledby': 'source-title', hidden: true },
      h('div', { class: 'source-head' }, h('div', {}, this.title, this.place), close),
      this.body,
    );
  }

  get isOpen(): boolean {
    return !this.element.hidden;
  }

  async open(citation: Citation, collection: string, opener: HTMLElement): Promise<void> {
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    this.opener = opener;
    this.element.hidden = false;
    this.title.textContent = citation.name;
    this.title.title = citation.path;
    this.place.textContent = [`Source ${citation.number}`, citation.heading, formatPlace(citation)]
      .filter(Boolean)
      .join(' · ');
    fill(this.body, h('p', { class: 'muted' }, 'Opening …'));
    this.title.focus();
    try {
      const path = withQuery(`v1/documents/${encodeURIComponent(citation.document_id)}`, { collection });
      const document = await getJson<DocumentText>(path, loading.signal);
      this.show(document.passages, citation);
    } catch (error) {
      if (!isAbort(error))
        fill(this.body, h('p', { class: 'error' }, `The source cannot be opened: ${messageOf(error)}`));
    }
  }

  close(): void {
    if (!this.isOpen) return;
    this.loading?.abort();
    this.element.hidden = true;
    this.opener?.focus();
  }

  private show(passages: SourcePassage[], citation: Citation): void {
    const first = passages.findIndex((passage) => isCited(passage, citation));
    if (passages.length === 0) {
      fill(this.body, h('p', { class: 'muted' }, 'This document has no text.'));
      return;
    }
    const last = passages.findLastIndex((passage) => isCited(passage, citation));
    const warning =
      citation.changed_on_disk || first < 0
        ? h(
            'p',
            { class: 'note warn' },
            first < 0
              ? 'The cited lines are not in the index any more.'
              : 'The file has changed since it was read; the text below is the one that the answer stands on.',
          )
        : null;
    const list = h('div');
    let from = Math.max(0, Math.max(0, first) - AROUND);
    let to = Math.min(passages.length, Math.max(0, last) + AROUND + 1);
    const before = h('button', {
      type: 'button',
      class: 'small more',
      onclick: () => {
        from = Math.max(0, from - MORE);
        draw();
      },
    });
    const behind = h('button', {
      type: 'button',
      class: 'small more',
      onclick: () => {
        to = Math.min(passages.length, to + MORE);
        draw();
      },
    });
    const draw = (): void => {
      before.hidden = from === 0;
      before.textContent = `Show ${plural(Math.min(MORE, from), 'earlier passage')}`;
      behind.hidden = to === passages.length;
      behind.textContent = `Show ${plural(Math.min(MORE, passages.length - to), 'later passage')}`;
      fill(list, ...passages.slice(from, to).map((passage) => passageElement(passage, citation)));
    };
    draw();
    fill(this.body, warning, before, list, behind);
    const cited = list.querySelector<HTMLElement>('.line.cited') ?? list.querySelector<HTMLElement>('.passage.cited');
    if (cited) this.body.scrollTop = cited.offsetTop - this.body.offsetTop - 48;
  }
}

function passageElement(passage: SourcePassage, citation: Citation): HTMLElement {
  const cited = isCited(passage, citation);
  const lines = sourceLines(passage, citation).map((line) =>
    h(
      'div',
      { class: line.cited ? 'line cited' : 'line' },
      h('span', { class: 'line-number', 'aria-hidden': 'true' }, line.number === null ? '' : String(line.number)),
      h(
        'span',
        { class: 'line-text' },
        ...line.pieces.map((piece) => (piece.quoted ? h('mark', {}, piece.text) : piece.text)),
      ),
    ),
  );
  return h(
    'section',
    { class: cited ? 'passage cited' : 'passage', 'aria-current': cited ? 'true' : null },
    h('h3', {}, passage.heading || 'Passage', h('span', { class: 'muted' }, ` ${formatPlace(passage)}`)),
    h('div', { class: 'lines' }, ...lines),
  );
}
