// key: the API key, asked for when the server wants one and kept for this tab only.
// SPDX-License-Identifier: Apache-2.0
import { h } from './dom';

const ITEM = 'docmind.key';

let asking: Promise<boolean> | null = null;
let refused = false; // the person closed the dialog: no further one comes up by itself

export function storedKey(): string {
  return sessionStorage.getItem(ITEM) ?? '';
}

// A dialog may come up again.
export function allowAsking(): void {
  refused = false;
}

// One dialog however many requests wait for it. False: it was closed without a key.
export function askForKey(wasWrong: boolean): Promise<boolean> {
  if (refused) return Promise.resolve(false);
  asking ??= showDialog(wasWrong).finally(() => {
    asking = null;
  });
  return asking;
}

function showDialog(wasWrong: boolean): Promise<boolean> {
  const input = h('input', {
    id: 'api-key',
    type: 'password',
    autocomplete: 'off',
    spellcheck: 'false',
    required: true,
    'aria-describedby': 'api-key-hint',
  });
  const form = h(
    'form',
    { method: 'dialog' },
    h('h2', { id: 'api-key-title' }, 'API key'),
    h(
      'p',
      { id: 'api-key-hint', class: wasWrong ? 'error' : '' },
      wasWrong ? 'The server did not accept this key.' : 'This server answers only with a key.',
      ' It is kept in this tab and forgotten when the tab is closed.',
    ),
    h('label', { for: 'api-key' }, 'Key'),
    input,
    h(
      'div',
      { class: 'dialog-actions' },
      h('button', { type: 'button', class: 'quiet', onclick: () => dialog.close() }, 'Not now'),
      h('button', { type: 'submit', class: 'primary', value: 'ok' }, 'Use this key'),
    ),
  );
  const dialog = h('dialog', { class: 'dialog', 'aria-labelledby': 'api-key-title' }, form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      const key = input.value.trim();
      const given = dialog.returnValue === 'ok' && key !== '';
      if (given) sessionStorage.setItem(ITEM, key);
      refused = !given;
      dialog.remove();
      resolve(given);
    });
    dialog.showModal();
    input.focus();
  });
}
