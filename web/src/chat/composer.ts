// Composer: where questions are written, and what they are asked of.
// SPDX-License-Identifier: Apache-2.0
import { fill, h, icon } from '../dom';
import { ICONS } from '../icons';
import type { Mode } from './turn';

export interface ComposerHooks {
  ask: (question: string) => void;
  stop: () => void;
}

const MOST_ROWS_PX = 200;

export class Composer {
  readonly element: HTMLElement;
  mode: Mode = 'documents';

  private readonly input = h('textarea', {
    id: 'question',
    rows: 1,
    placeholder: 'Ask a question',
    'aria-label': 'Question',
    'aria-describedby': 'composer-hint',
    autocomplete: 'off',
  });
  private readonly button = h('button', { type: 'submit', class: 'primary icon-only send' });
  private readonly switcher: HTMLElement;
  private readonly asked: string[] = [];
  private recall = 0; // place in `asked`; its end: what is being written
  private draft = '';
  private running = false;

  constructor(
    private readonly hooks: ComposerHooks,
    picker: HTMLElement,
  ) {
    this.switcher = h(
      'fieldset',
      { class: 'segmented', hidden: true },
      h('legend', { class: 'sr-only' }, 'Answer from'),
      this.choice('documents', 'From my documents'),
      this.choice('model', 'Model only'),
    );
    this.element = h(
      'form',
      {
        class: 'composer',
        onsubmit: (event: Event) => {
          event.preventDefault();
          if (this.running) this.hooks.stop();
          else this.submit();
        },
      },
      h('div', { class: 'composer-row' }, this.input, this.button),
      h(
        'div',
        { class: 'composer-foot' },
        picker,
        this.switcher,
        h(
          'span',
          { id: 'composer-hint', class: 'muted hint' },
          'Enter sends, Shift+Enter begins a new line, Esc stops',
        ),
      ),
    );
    this.input.addEventListener('keydown', (event) => this.onKey(event));
    this.input.addEventListener('input', () => this.fit());
    this.setRunning(false);
  }

  focus(): void {
    this.input.focus();
  }

  setRunning(running: boolean): void {
    this.running = running;
    const label = running ? 'Stop' : 'Send';
    fill(this.button, icon(running ? ICONS.stop : ICONS.send));
    this.button.setAttribute('aria-label', label);
    this.button.title = running ? 'Stop (Esc)' : 'Send (Enter)';
    this.button.classList.toggle('stop', running);
  }

  // Without a language model there is nothing to choose.
  offerModel(loaded: boolean): void {
    this.switcher.hidden = !loaded;
    if (!loaded && this.mode === 'model') {
      this.mode = 'documents';
      this.switcher.querySelector<HTMLInputElement>('input[value=documents]')!.checked = true;
    }
  }

  private choice(mode: Mode, label: string): HTMLElement {
    const input = h('input', {
      type: 'radio',
      name: 'mode',
      value: mode,
      checked: mode === 'documents',
      onchange: () => (this.mode = mode),
    });
    return h('label', {}, input, h('span', {}, label));
  }

  private submit(): void {
    const question = this.input.value.trim();
    if (question === '') return;
    if (this.asked[this.asked.length - 1] !== question) this.asked.push(question);
    this.recall = this.asked.length;
    this.write('');
    this.hooks.ask(question);
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing) return;
    if (event.key === 'Enter' && !event.shiftKey) {
      event.preventDefault();
      if (!this.running) this.submit();
    } else if (event.key === 'ArrowUp' && this.atEdge('first')) {
      this.bringBack(-1, event);
    } else if (event.key === 'ArrowDown' && this.atEdge('last')) {
      this.bringBack(1, event);
    }
  }

  // Arrows move within a text of several lines before they leave it.
  private atEdge(line: 'first' | 'last'): boolean {
    const { value, selectionStart, selectionEnd } = this.input;
    return line === 'first'
      ? !value.slice(0, selectionStart).includes('\n')
      : !value.slice(selectionEnd).includes('\n');
  }

  private bringBack(step: -1 | 1, event: KeyboardEvent): void {
    const to = this.recall + step;
    if (to < 0 || to > this.asked.length) return;
    event.preventDefault();
    if (this.recall === this.asked.length) this.draft = this.input.value;
    this.recall = to;
    this.write(this.asked[to] ?? this.draft);
  }

  private write(text: string): void {
    this.input.value = text;
    this.fit();
  }

  private fit(): void {
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.min(MOST_ROWS_PX, this.input.scrollHeight + 2)}px`;
  }
}
