// Turn: one question with its answer, from the first word to the feedback.
// SPDX-License-Identifier: Apache-2.0
import { isAbort, messageOf, sendJson } from '../api';
import { fill, h, icon } from '../dom';
import { formatAge, formatCount, formatMs, formatPlace } from '../format';
import { ICONS } from '../icons';
import { notice } from '../notices';
import type { Citation, RagAnswer } from '../types';
import { askDocuments, askModel, type Message, type ModelAnswer } from './ask';
import { cacheBadge } from './cache_badge';
import { renderMarkdown } from './render_markdown';
import { traceBar } from './trace_bar';

export type Mode = 'documents' | 'model';

export interface TurnRequest {
  question: string;
  mode: Mode;
  collection: string;
  model: string;
  before: Message[]; // of the conversation with the model alone
}

export interface TurnHooks {
  openSource: (citation: Citation, collection: string, opener: HTMLElement) => void;
  again: (turn: Turn) => void;
  grew: () => void; // the answer became longer
}

let count = 0;

export class Turn {
  readonly element: HTMLElement;
  readonly id: string;
  text = '';
  running = false;

  private readonly body = h('div', { class: 'answer' });
  private readonly facts = h('div', { class: 'facts' });
  private readonly after = h('div', { class: 'after' });
  private citations: Citation[] = [];
  private abort: AbortController | null = null;
  private frame = 0;

  constructor(
    readonly request: TurnRequest,
    private readonly hooks: TurnHooks,
  ) {
    count += 1;
    this.id = `turn-${count}`;
    this.element = h(
      'article',
      { class: 'turn', id: this.id, 'aria-labelledby': `${this.id}-question` },
      h('h2', { class: 'question', id: `${this.id}-question`, tabindex: '-1' }, request.question),
      this.body,
      this.facts,
      this.after,
    );
  }

  // Until the answer is there, failed or was stopped. `refresh`: made anew, whatever the cache has.
  async run(refresh: boolean): Promise<void> {
    const abort = new AbortController();
    this.abort = abort;
    this.running = true;
    this.text = '';
    this.citations = [];
    this.element.dataset['state'] = 'running';
    this.body.setAttribute('aria-busy', 'true');
    fill(
      this.body,
      h('p', { class: 'waiting' }, this.request.mode === 'documents' ? 'Reading your documents' : 'Thinking'),
    );
    fill(this.facts);
    fill(this.after);
    const started = performance.now();
    let firstMs: number | null = null;
    const onText = (piece: string): void => {
      firstMs ??= performance.now() - started;
      this.text += piece;
      this.drawSoon();
    };
    try {
      if (this.request.mode === 'documents') {
        const { question, collection } = this.request;
        const answer = await askDocuments({ question, collection, refresh }, abort.signal, onText);
        this.finishAnswer(answer, firstMs);
      } else {
        const messages: Message[] = [...this.request.before, { role: 'user', content: this.request.question }];
        const answer = await askModel(this.request.model, messages, abort.signal, onText);
        this.finishModel(answer, firstMs, performance.now() - started);
      }
      this.element.dataset['state'] = 'done';
    } catch (error) {
      this.finishBroken(error);
    } finally {
      this.running = false;
      this.body.removeAttribute('aria-busy');
      this.hooks.grew();
    }
  }

  stop(): void {
    this.abort?.abort();
  }

  // One drawing a frame, however many pieces come.
  private drawSoon(): void {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
      this.hooks.grew();
    });
  }

  private draw(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    fill(this.body, ...renderMarkdown(this.text, (number) => this.chip(number)));
  }

  private chip(number: number): HTMLElement | null {
    if (this.running && this.citations.length === 0) return h('span', { class: 'chip pending' }, String(number));
    const citation = this.citations.find((entry) => entry.number === number);
    if (!citation) return null;
    const where = [citation.name, formatPlace(citation)].filter(Boolean).join(', ');
    return h(
      'button',
      {
        type: 'button',
        class: 'chip',
        title: where,
        'aria-label': `Source ${number}: ${where}`,
        onclick: (event: MouseEvent) => this.open(citation, event),
      },
      String(number),
    );
  }

  private open(citation: Citation, event: MouseEvent): void {
    this.hooks.openSource(citation, this.request.collection, event.currentTarget as HTMLElement);
  }

  private finishAnswer(answer: RagAnswer, firstMs: number | null): void {
    this.text = answer.text;
    this.citations = answer.citations;
    this.running = false;
    this.draw();
    this.element.dataset['answered'] = String(answer.answered);
    fill(
      this.facts,
      cacheBadge(answer),
      answer.answered ? null : h('span', { class: 'badge plain' }, 'Not in the documents'),
      h('span', { class: 'fact' }, formatMs(answer.total_ms)),
      firstMs === null || answer.cached
        ? null
        : h('span', { class: 'fact', title: 'As this page saw it' }, `first text ${formatMs(firstMs)}`),
      h('span', { class: 'fact provider', title: answer.provider }, answer.provider),
    );
    if (answer.cached && answer.cached.similarity < 1) {
      this.facts.append(
        h('p', { class: 'note' }, `Made for “${answer.cached.question}”, ${formatAge(answer.cached.age_ms)}`),
      );
    }
    if (answer.stale)
      this.facts.append(h('p', { class: 'note warn' }, 'Documents have changed since; the answer is being renewed.'));
    fill(
      this.after,
      this.sources(),
      answer.trace ? traceBar(answer.trace) : null,
      this.actions(answer.cached?.id || answer.cache_id || 0),
    );
  }

  private finishModel(answer: ModelAnswer, firstMs: number | null, totalMs: number): void {
    this.running = false;
    this.draw();
    const writing = totalMs - (firstMs ?? 0);
    const rate = answer.n_tokens > 1 && writing > 0 ? ((answer.n_tokens - 1) * 1000) / writing : null;
    fill(
      this.facts,
      h('span', { class: 'badge plain' }, 'Model only'),
      h('span', { class: 'fact' }, formatMs(totalMs)),
      firstMs === null ? null : h('span', { class: 'fact' }, `first text ${formatMs(firstMs)}`),
      answer.n_tokens > 0 ? h('span', { class: 'fact' }, `${formatCount(answer.n_tokens)} tokens`) : null,
      rate === null ? null : h('span', { class: 'fact' }, `${rate.toFixed(1)} tokens/s`),
      h('span', { class: 'fact provider' }, this.request.model),
      answer.cut ? h('p', { class: 'note warn' }, 'Ended by the limit of tokens.') : null,
    );
    fill(this.after, this.actions(0));
  }

  private finishBroken(error: unknown): void {
    this.running = false;
    const stopped = isAbort(error);
    this.element.dataset['state'] = stopped ? 'stopped' : 'failed';
    if (this.text !== '') this.draw();
    else fill(this.body);
    fill(
      this.facts,
      stopped
        ? h('span', { class: 'badge plain' }, 'Stopped')
        : h('p', { class: 'note error', role: 'alert' }, messageOf(error)),
    );
    fill(this.after, this.actions(0));
  }

  private sources(): HTMLElement | null {
    if (this.citations.length === 0) return null;
    return h(
      'ol',
      { class: 'sources', 'aria-label': 'Sources' },
      ...this.citations.map((citation) =>
        h(
          'li',
          {},
          h(
            'button',
            {
              type: 'button',
              class: 'source-link',
              title: citation.path,
              onclick: (event: MouseEvent) => this.open(citation, event),
            },
            h('span', { class: 'chip', 'aria-hidden': 'true' }, String(citation.number)),
            h('span', { class: 'source-name' }, citation.name),
            h('span', { class: 'muted' }, [citation.heading, formatPlace(citation)].filter(Boolean).join(' · ')),
          ),
        ),
      ),
    );
  }

  private actions(cacheId: number): HTMLElement {
    const again = h(
      'button',
      { type: 'button', class: 'quiet', onclick: () => this.hooks.again(this) },
      icon(ICONS.again),
      this.element.dataset['state'] === 'running' ? 'Regenerate' : 'Try again',
    );
    const copy = h(
      'button',
      { type: 'button', class: 'quiet', onclick: () => void this.copy() },
      icon(ICONS.copy),
      'Copy',
    );
    return h(
      'div',
      { class: 'actions' },
      again,
      this.text === '' ? null : copy,
      cacheId === 0 ? null : this.feedback(cacheId),
    );
  }

  private async copy(): Promise<void> {
    try {
      await navigator.clipboard.writeText(this.text);
      notice('Copied');
    } catch {
      notice('The browser does not allow copying here', 'error');
    }
  }

  private feedback(id: number): HTMLElement {
    const group = h('div', { class: 'feedback', role: 'group', 'aria-label': 'Was this answer right?' });
    const add = (good: boolean, label: string, drawing: string): void => {
      const button = h(
        'button',
        {
          type: 'button',
          class: 'quiet icon-only',
          'aria-pressed': 'false',
          'aria-label': label,
          title: label,
          onclick: () => void send(),
        },
        icon(drawing),
      );
      const send = async (): Promise<void> => {
        try {
          await sendJson('POST', 'v1/cache/feedback', { id, good, collection: this.request.collection });
          for (const other of group.children) other.setAttribute('aria-pressed', String(other === button));
        } catch (error) {
          notice(`The feedback was not taken: ${messageOf(error)}`, 'error');
        }
      };
      group.append(button);
    };
    add(true, 'The answer is right', ICONS.up);
    add(false, 'The answer is wrong', ICONS.down);
    return group;
  }
}
