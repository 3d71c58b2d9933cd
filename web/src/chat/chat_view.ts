// ChatView: the conversation, its questions at a glance, and the source that is open.
// SPDX-License-Identifier: Apache-2.0
import { collectionPicker, type Collections } from '../collections';
import { fill, h } from '../dom';
import { plural } from '../format';
import type { StatsFeed } from '../stats_feed';
import type { View } from '../tabs';
import type { ModelInfo } from '../types';
import type { Message } from './ask';
import { Composer } from './composer';
import { SourcePanel } from './source_panel';
import { Turn, type TurnHooks } from './turn';

const NEAR_END_PX = 120;
const KEPT_MESSAGES = 20; // of a conversation with the model

export class ChatView implements View {
  private readonly turns: Turn[] = [];
  private readonly source = new SourcePanel();
  private readonly list = h('div', {
    class: 'turns',
    role: 'log',
    'aria-live': 'off',
    'aria-label': 'Conversation',
    tabindex: '0',
  });
  private readonly empty = h('div', { class: 'empty' });
  private readonly status = h('div', { class: 'sr-only', role: 'status', 'aria-live': 'polite' });
  private readonly questions = h('ol');
  private readonly history: HTMLDetailsElement;
  private readonly composer: Composer;
  private model: ModelInfo | null = null;
  private fresh = true; // not shown yet
  private pinned = true; // the reader is at the end and wants to stay there
  private known = false; // whether the server has said what is loaded

  constructor(
    panel: HTMLElement,
    private readonly collections: Collections,
    feed: StatsFeed,
  ) {
    this.composer = new Composer(
      { ask: (question) => this.ask(question), stop: () => this.stop() },
      collectionPicker(collections, 'chat-collection'),
    );
    this.history = h(
      'details',
      { class: 'history', hidden: true },
      h('summary', {}, 'Questions'),
      h('nav', { 'aria-label': 'Questions asked on this page' }, this.questions),
    );
    this.list.append(this.empty);
    panel.append(
      this.history,
      h('div', { class: 'conversation' }, this.list, this.composer.element),
      this.source.element,
      this.status,
    );
    this.list.addEventListener('scroll', () => {
      const { scrollHeight, scrollTop, clientHeight } = this.list;
      this.pinned = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    });
    panel.addEventListener('keydown', (event) => this.onKey(event));
    collections.listen(() => this.showEmpty());
    feed.listen(({ models }) => {
      const model = models.find(({ role }) => role === 'text') ?? null;
      if (this.known && model?.name === this.model?.name) return;
      this.known = true;
      this.model = model;
      this.composer.offerModel(model !== null);
      this.showEmpty();
    });
    const wide = window.matchMedia('(min-width: 1100px)');
    const openHistory = (): void => {
      this.history.open = wide.matches;
    };
    wide.addEventListener('change', openHistory);
    openHistory();
  }

  // Writing can begin at once where that brings up no keyboard on the screen; later the focus stays with the tabs.
  shown(visible: boolean): void {
    if (visible && this.fresh && window.matchMedia('(hover: hover)').matches) this.composer.focus();
    this.fresh = false;
  }

  private get running(): Turn | null {
    return this.turns.find((turn) => turn.running) ?? null;
  }

  private ask(question: string): void {
    const { mode } = this.composer;
    const turn = new Turn(
      {
        question,
        mode,
        collection: this.collections.current,
        model: this.model?.name ?? '',
        before: mode === 'model' ? this.modelMessages() : [],
      },
      this.hooks(),
    );
    this.turns.push(turn);
    this.empty.remove();
    this.list.append(turn.element);
    this.addToHistory(turn);
    void this.run(turn, false);
  }

  private hooks(): TurnHooks {
    return {
      openSource: (citation, collection, opener) => void this.source.open(citation, collection, opener),
      again: (turn) => {
        if (!this.running) void this.run(turn, turn.element.dataset['state'] === 'done');
      },
      grew: () => this.follow(),
    };
  }

  private async run(turn: Turn, refresh: boolean): Promise<void> {
    this.composer.setRunning(true);
    this.status.textContent = 'Answering';
    const done = turn.run(refresh);
    this.pinned = true;
    this.follow();
    await done;
    this.composer.setRunning(false);
    // The whole answer once: word by word it could not be listened to.
    const state = turn.element.dataset['state'];
    this.status.textContent = state === 'done' ? `Answer: ${turn.text}` : state === 'stopped' ? 'Stopped' : '';
  }

  private stop(): void {
    this.running?.stop();
  }

  // What was said with the model alone so far.
  private modelMessages(): Message[] {
    const messages: Message[] = [];
    for (const { request, text } of this.turns) {
      if (request.mode !== 'model' || text === '') continue;
      messages.push({ role: 'user', content: request.question }, { role: 'assistant', content: text });
    }
    return messages.slice(-KEPT_MESSAGES);
  }

  private addToHistory(turn: Turn): void {
    this.history.hidden = false;
    this.questions.append(
      h(
        'li',
        {},
        h(
          'button',
          {
            type: 'button',
            class: 'quiet',
            title: turn.request.question,
            onclick: () => {
              turn.element.scrollIntoView({ block: 'start' });
              turn.element.querySelector<HTMLElement>('.question')?.focus({ preventScroll: true });
            },
          },
          turn.request.question,
        ),
      ),
    );
  }

  // To the end, unless the reader has gone up.
  private follow(): void {
    if (this.pinned) this.list.scrollTop = this.list.scrollHeight;
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key !== 'Escape') return;
    if (this.running) this.stop();
    else if (this.source.isOpen) this.source.close();
    else return;
    event.preventDefault();
  }

  private showEmpty(): void {
    const info = this.collections.info;
    const nothing = info !== null && info.documents === 0;
    fill(
      this.empty,
      h('h2', {}, nothing ? 'No documents yet' : 'Ask about your documents'),
      h(
        'p',
        {},
        nothing
          ? 'Add some, and ask about them here. They stay on this machine.'
          : 'Every answer names its sources; a number opens the passage it stands on.',
      ),
      info !== null && !nothing
        ? h(
            'p',
            { class: 'muted' },
            `${plural(info.documents, 'document')}, ${plural(info.chunks, 'passage')} in “${info.name}”`,
          )
        : null,
      nothing ? h('p', {}, h('a', { class: 'button', href: '#documents' }, 'Add documents')) : null,
      this.known && this.model === null
        ? h(
            'p',
            { class: 'muted' },
            'No language model is loaded: answers are quoted from the documents word for word.',
          )
        : null,
    );
  }
}
