// theme: light, dark, or as the system has it.
// SPDX-License-Identifier: Apache-2.0
import { fill, icon } from './dom';
import { ICONS } from './icons';

type Theme = 'system' | 'light' | 'dark';

const ITEM = 'docmind.theme';
const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' };
const DRAWING = { system: ICONS.system, light: ICONS.sun, dark: ICONS.moon };

const listeners = new Set<() => void>();

// Canvases have to be drawn anew.
export function onThemeChange(listener: () => void): void {
  listeners.add(listener);
}

function tell(): void {
  for (const listener of listeners) listener();
}

export function startTheme(button: HTMLElement): void {
  const saved = localStorage.getItem(ITEM);
  let theme: Theme = saved === 'light' || saved === 'dark' ? saved : 'system';
  const show = (): void => {
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
    fill(button, icon(DRAWING[theme]));
    button.setAttribute('aria-label', `Colours: ${theme}. Change to ${NEXT[theme]}`);
    button.title = `Colours: ${theme}`;
  };
  show();
  button.addEventListener('click', () => {
    theme = NEXT[theme];
    if (theme === 'system') localStorage.removeItem(ITEM);
    else localStorage.setItem(ITEM, theme);
    show();
    tell();
  });
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', tell);
}

let probe: HTMLElement | null = null;

// A custom property as the colour that it is now, for canvases.
export function colorOf(name: string): string {
  if (!probe) {
    probe = document.createElement('span');
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}
