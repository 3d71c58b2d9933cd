// support: a browser, a server (the mock, or the one of DOCMIND_URL) and a page that must not complain.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

import { startMock } from '../../dev/mock_server.mjs';

// What the tests ask about; long enough to be cut into passages of its own.
export const NAME = 'tide-gauge-manual.md';
export const MANUAL = `# Tide gauge manual

## Calibration

The tide gauge KX-7 is calibrated every 45 days against the brass
reference mark on the northern pier.

## Batteries

The tide gauge KX-7 runs on two lithium cells of the type ER34615 and
needs new ones after 30 months.

## Storage

Readings of the tide gauge are kept for 12 years in the harbour archive.
`;
export const QUESTION = 'How often is the tide gauge KX-7 calibrated?';
export const ANSWER = /45 days/;

// A real server is given by its address; it may have a key (DOCMIND_KEY).
export const REAL_URL = process.env.DOCMIND_URL ?? '';

export async function openBrowser() {
  const path = process.env.DOCMIND_CHROMIUM ?? '/usr/bin/chromium';
  assert.ok(
    existsSync(path),
    `there is no browser at ${path}: install the Debian package chromium, or set DOCMIND_CHROMIUM`,
  );
  return chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
}

export async function openServer(options = {}) {
  if (REAL_URL !== '') return { url: REAL_URL, real: true, feedback: [], close: async () => {} };
  return { ...(await startMock(options)), real: false };
}

// A page that keeps a record of what it logs and asks for. `allow`: failed requests that a test provokes.
export async function openPage(browser, url, { allow = [], hash = '', ...options } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const problems = [];
  const origin = new URL(url).origin;
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    if (!allow.some((pattern) => pattern.test(message.text()))) problems.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => problems.push(`exception: ${error.stack}`));
  page.on('request', (request) => {
    const address = new URL(request.url());
    if (address.protocol.startsWith('http') && address.origin !== origin)
      problems.push(`request to ${request.url()}`);
  });
  if (process.env.DOCMIND_KEY) {
    await context.addInitScript((key) => sessionStorage.setItem('docmind.key', key), process.env.DOCMIND_KEY);
  }
  await page.goto(`${url}/${hash}`);
  return { page, problems, close: () => context.close() };
}

export async function connected(page) {
  await page.waitForSelector('html[data-connection=live]');
}

export function clean(problems) {
  assert.deepEqual(problems, []);
}

export async function openTab(page, name) {
  await page.getByRole('tab', { name }).click();
  await page.locator(`#panel-${name.toLowerCase()}`).waitFor();
}

export async function upload(page, name, text) {
  await page.setInputFiles('#files', { name, mimeType: 'text/markdown', buffer: Buffer.from(text) });
}

// Waits until the document is indexed; the row.
export async function indexed(page, name) {
  const row = page.locator('tr[data-id]', { hasText: name });
  await row.locator('.state.indexed').waitFor({ timeout: 30_000 });
  return row;
}

export async function addManual(page) {
  await openTab(page, 'Documents');
  await upload(page, NAME, MANUAL);
  await indexed(page, NAME);
}

export async function removeDocument(page, name) {
  await openTab(page, 'Documents');
  const row = page.locator('tr[data-id]', { hasText: name });
  await row.getByRole('button', { name: `Delete ${name}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await row.waitFor({ state: 'detached' });
}

// The turn of the question, once its answer is there.
export async function ask(page, question) {
  await openTab(page, 'Chat');
  await page.getByLabel('Question', { exact: true }).fill(question);
  await page.keyboard.press('Enter');
  const turn = page.locator('.turn').last();
  await turn.locator('.actions').waitFor({ timeout: 30_000 });
  return turn;
}

// Of every tab: nothing is wider than the window.
export async function assertNoSidewaysScroll(page) {
  for (const name of ['Chat', 'Documents', 'Performance']) {
    await openTab(page, name);
    await page.waitForTimeout(300);
    const wide = await page.evaluate(() => {
      const over = (element) => element.scrollWidth > element.clientWidth + 1;
      return [
        document.documentElement,
        document.body,
        ...document.querySelectorAll('main, .panel:not([hidden]), .turns'),
      ]
        .filter((element) => over(element))
        .map((element) => `${element.tagName}.${element.className} ${element.scrollWidth}>${element.clientWidth}`);
    });
    assert.deepEqual(wide, [], `${name} scrolls sideways`);
  }
}
