// Documents: add, watch, fail readably, delete.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import {
  MANUAL,
  REAL_URL,
  clean,
  connected,
  indexed,
  openBrowser,
  openPage,
  openServer,
  openTab,
  removeDocument,
  upload,
} from './support.mjs';

const onMock = { skip: REAL_URL !== '' && 'needs what only the mock does' };
const REFUSED = /status of 4\d\d/;

describe('documents', () => {
  let browser;
  let server;
  let tab;
  let page;

  before(async () => {
    browser = await openBrowser();
    server = await openServer({ empty: true });
    tab = await openPage(browser, server.url, { allow: [REFUSED] });
    page = tab.page;
    await connected(page);
  });
  after(async () => {
    try {
      clean(tab.problems);
    } finally {
      await browser?.close();
      await server?.close();
    }
  });

  test('without documents both views say what to do', onMock, async () => {
    assert.match(await page.locator('.turns .empty').innerText(), /No documents yet/);
    await page.getByRole('link', { name: 'Add documents' }).click();
    assert.match(await page.locator('#panel-documents .empty').innerText(), /No documents yet\s+Drop files here/);
  });

  test('a chosen file is uploaded, indexed before the eyes, and listed', async () => {
    await openTab(page, 'Documents');
    await upload(page, 'harbour-notes.md', MANUAL);
    await page.locator('.upload', { hasText: 'harbour-notes.md' }).waitFor();
    const row = await indexed(page, 'harbour-notes.md');
    const cells = await row.locator('td').allInnerTexts();
    assert.equal(cells[0], 'Indexed');
    assert.match(cells[1], /^\d+(\.\d)? (B|KiB)$/);
    assert.ok(Number(cells[2]) >= 1, 'passages are counted');
  });

  test('progress of indexing is seen', onMock, async () => {
    const words = new Set();
    await page.exposeFunction('sawWords', (text) => words.add(text));
    await page.evaluate(() => {
      const target = document.querySelector('.job-words');
      new MutationObserver(() => window.sawWords(target.textContent)).observe(target, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    });
    await page.setInputFiles(
      '#files',
      ['one.md', 'two.md'].map((name) => ({
        name,
        mimeType: 'text/markdown',
        buffer: Buffer.from(`# ${name}\n\nSome text.\n`),
      })),
    );
    await indexed(page, 'two.md');
    assert.ok(
      [...words].some((text) => /Reading: \d of \d/.test(text)),
      [...words].join('; '),
    );
  });

  test('files can be dropped', async () => {
    const transfer = await page.evaluateHandle((text) => {
      const data = new DataTransfer();
      data.items.add(new File([text], 'dropped-notes.md', { type: 'text/markdown' }));
      return data;
    }, MANUAL);
    await page.dispatchEvent('#panel-documents', 'dragenter', { dataTransfer: transfer });
    assert.equal(await page.locator('.drop.over').count(), 1);
    await page.dispatchEvent('#panel-documents', 'drop', { dataTransfer: transfer });
    assert.equal(await page.locator('.drop.over').count(), 0);
    await indexed(page, 'dropped-notes.md');
  });

  test('a file that cannot be read says why, and can be put away', async () => {
    await page.setInputFiles('#files', { name: 'clip.xyzvideo', mimeType: 'video/x', buffer: Buffer.alloc(2000, 7) });
    const failed = page.locator('.upload.failed', { hasText: 'clip.xyzvideo' });
    await failed.waitFor();
    assert.ok((await failed.getByRole('alert').innerText()).length > 15, 'a sentence');
    await failed.getByRole('button').click();
    await failed.waitFor({ state: 'detached' });
  });

  test('a file that fails while it is read is marked', onMock, async () => {
    await page.setInputFiles('#files', {
      name: 'broken.pdf',
      mimeType: 'application/pdf',
      buffer: Buffer.from('%PDF-1.7'),
    });
    const row = page.locator('tr[data-id]', { hasText: 'broken.pdf' });
    await row.locator('.state.failed').waitFor();
    assert.match(await row.innerText(), /may not have been copied whole/);
    assert.match(await page.locator('.skipped').innerText(), /1 file left out/);
  });

  test('nothing is deleted without a confirmation, and then it is', async () => {
    const row = page.locator('tr[data-id]', { hasText: 'harbour-notes.md' });
    await row.getByRole('button', { name: 'Delete harbour-notes.md' }).click();
    const dialog = page.getByRole('dialog');
    assert.match(await dialog.innerText(), /Delete “harbour-notes\.md”/);
    // Enter at once must not delete.
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'detached' });
    assert.equal(await row.count(), 1);
    await removeDocument(page, 'harbour-notes.md');
    await removeDocument(page, 'dropped-notes.md');
  });

  test('a collection can be made and chosen', onMock, async () => {
    await page.getByRole('button', { name: 'New collection' }).click();
    await page.getByLabel('Name', { exact: true }).fill('manuals');
    await page.getByRole('button', { name: 'Create' }).click();
    await page.waitForFunction(() => document.querySelector('#documents-collection').value === 'manuals');
    await page.locator('#panel-documents .empty').waitFor();
    assert.equal(await page.locator('#chat-collection').inputValue(), 'manuals');
    await page.locator('#documents-collection').selectOption('default');
    await page.locator('tr[data-id]').first().waitFor();
  });
});
