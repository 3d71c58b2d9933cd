// tabs: the three parts of the page, by click, arrow keys and address (#documents).
// SPDX-License-Identifier: Apache-2.0

export interface View {
  // The view comes into sight, or goes.
  shown(visible: boolean): void;
}

export class Tabs {
  private readonly tabs: HTMLElement[];
  private current = '';

  constructor(private readonly views: Record<string, View>) {
    this.tabs = [...document.querySelectorAll<HTMLElement>('[role=tab]')];
    this.tabs.forEach((tab, index) => {
      tab.addEventListener('click', () => this.open(nameOf(tab)));
      tab.addEventListener('keydown', (event) => this.onKey(event, index));
    });
    window.addEventListener('hashchange', () => this.openFromAddress());
    this.openFromAddress();
  }

  open(name: string): void {
    if (name === this.current || !(name in this.views)) return;
    this.views[this.current]?.shown(false);
    this.current = name;
    for (const tab of this.tabs) {
      const selected = nameOf(tab) === name;
      tab.setAttribute('aria-selected', String(selected));
      tab.tabIndex = selected ? 0 : -1;
      const panel = document.getElementById(`panel-${nameOf(tab)}`);
      if (panel) panel.hidden = !selected;
    }
    if (window.location.hash.slice(1) !== name) window.history.replaceState(null, '', `#${name}`);
    this.views[name]?.shown(true);
  }

  private openFromAddress(): void {
    const name = window.location.hash.slice(1);
    this.open(name in this.views ? name : this.current || nameOf(this.tabs[0]!));
  }

  private onKey(event: KeyboardEvent, index: number): void {
    const last = this.tabs.length - 1;
    const to = {
      ArrowRight: index === last ? 0 : index + 1,
      ArrowLeft: index === 0 ? last : index - 1,
      Home: 0,
      End: last,
    }[event.key];
    const tab = to === undefined ? undefined : this.tabs[to];
    if (!tab) return;
    event.preventDefault();
    tab.focus();
    this.open(nameOf(tab));
  }
}

function nameOf(tab: HTMLElement): string {
  return tab.id.replace('tab-', '');
}
