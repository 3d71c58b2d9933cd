// The frame of the page: colours, phone, keys, a connection that is lost.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import {
  NAME,
  QUESTION,
  REAL_URL,
  addManual,
  ask,
  assertNoSidewaysScroll,
  clean,
  connected,
  openBrowser,
  openPage,
  openServer,
  openTab,
  removeDocument,
} from './support.mjs';

const onMock = { skip: REAL_URL !== '' && 'needs what only the mock does' };

describe('frame', () => {
  let browser;
  let server;

  before(async () => {
    browser = await openBrowser();
    server = await openServer();
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  // Of what is behind a text, and of the text: WCAG's ratio.
  const contrasts = (page) =>
    page.evaluate(() => {
      const parse = (color) => color.match(/[\d.]+/g).map(Number);
      const light = ([r, g, b]) =>
        [r, g, b]
          .map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
          .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
      const behind = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const color = parse(getComputedStyle(at).backgroundColor);
          if (color.length === 3 || color[3] === 1) return color;
        }
        return [255, 255, 255];
      };
      const low = [];
      for (const element of document.querySelectorAll('body *')) {
        const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '');
        if (
          !own ||
          !element.checkVisibility({ visibilityProperty: true }) ||
          element.closest('.sr-only, noscript, .skip, .chip.pending, .line-number')
        )
          continue;
        const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        if (ratio < 4.5)
          low.push(
            `${element.tagName}.${element.className} "${element.textContent.slice(0, 20)}" ${ratio.toFixed(2)}`,
          );
      }
      return low;
    });

  for (const colorScheme of ['light', 'dark']) {
    test(`the ${colorScheme} colours are the system's and can be read`, async () => {
      const { page, problems, close } = await openPage(browser, server.url, { colorScheme });
      await connected(page);
      const back = await page.evaluate(() =>
        getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number),
      );
      assert.equal(back.reduce((sum, value) => sum + value, 0) > 380, colorScheme === 'light');
      await addManual(page);
      await ask(page, QUESTION);
      assert.deepEqual(await contrasts(page), []);
      await removeDocument(page, NAME);
      await openTab(page, 'Performance');
      await page.waitForTimeout(1500);
      assert.deepEqual(await contrasts(page), []);
      clean(problems);
      await close();
    });
  }

  test('the colours can be chosen and stay so', async () => {
    const { page, problems, close } = await openPage(browser, server.url, { colorScheme: 'dark' });
    const scheme = () => page.evaluate(() => getComputedStyle(document.documentElement).colorScheme);
    const button = page.locator('#theme');
    assert.equal(await scheme(), 'light dark');
    await button.click();
    assert.equal(await scheme(), 'light');
    await button.click();
    assert.equal(await scheme(), 'dark');
    await page.reload();
    assert.equal(await scheme(), 'dark');
    await button.click();
    assert.equal(await scheme(), 'light dark');
    clean(problems);
    await close();
  });

  test('on a phone nothing scrolls sideways and everything is reached', async () => {
    const { page, problems, close } = await openPage(browser, server.url, {
      viewport: { width: 390, height: 844 },
      isMobile: true,
      hasTouch: true,
      deviceScaleFactor: 2,
    });
    await connected(page);
    await addManual(page);
    const turn = await ask(page, QUESTION);
    await assertNoSidewaysScroll(page);
    await openTab(page, 'Chat');
    await turn.locator('.sources button').first().click();
    await page.locator('aside.source .line.cited').first().waitFor();
    const box = await page.locator('aside.source').boundingBox();
    assert.equal(box.width, 390);
    await page.getByRole('button', { name: 'Close source' }).click();
    // Fingers need room: 24 px at least (WCAG 2.2, 2.5.8), but for the numbers within a line of text.
    const small = await page.evaluate(() =>
      [...document.querySelectorAll('button, select, [role=tab]')]
        .filter((element) => element.checkVisibility() && !element.matches('.answer .chip'))
        .filter((element) => element.getBoundingClientRect().height < 24)
        .map((element) => element.outerHTML.slice(0, 80)),
    );
    assert.deepEqual(small, []);
    await removeDocument(page, NAME);
    clean(problems);
    await close();
  });

  test('the page comes with a policy that allows nothing from elsewhere, and keeps to it', async () => {
    const response = await fetch(server.url, { headers: { accept: 'text/html' } });
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'self'/);
    assert.doesNotMatch(policy, /unsafe|https?:/);
    const html = await response.text();
    assert.doesNotMatch(html, /https?:\/\//);
    const sizes = await Promise.all(
      [...html.matchAll(/(?:src|href)="\.\/(assets\/[^"]+)"/g)].map(async ([, path]) => {
        const asset = await fetch(`${server.url}/${path}`);
        assert.equal(asset.status, 200, path);
        return (await asset.arrayBuffer()).byteLength;
      }),
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(sizes.length >= 2 && total < 200_000, `${total} bytes`);
  });

  test('the address names the view', async () => {
    const { page, problems, close } = await openPage(browser, server.url, { hash: '#performance' });
    await page.locator('#panel-performance').waitFor();
    await openTab(page, 'Documents');
    assert.equal(new URL(page.url()).hash, '#documents');
    clean(problems);
    await close();
  });

  test('views and tabs have their roles', async () => {
    const { page, problems, close } = await openPage(browser, server.url);
    await connected(page);
    assert.equal(await page.getByRole('tab').count(), 3);
    assert.equal(await page.getByRole('tab', { selected: true }).innerText(), 'Chat');
    assert.equal(await page.getByRole('tabpanel', { name: 'Chat' }).count(), 1);
    const nameless = await page.evaluate(() =>
      [...document.querySelectorAll('button, input, select, textarea')]
        .filter(
          (element) => !(element.textContent.trim() || element.getAttribute('aria-label') || element.labels?.length),
        )
        .map((element) => element.outerHTML),
    );
    assert.deepEqual(nameless, []);
    clean(problems);
    await close();
  });

  test('a key is asked for, refused when wrong, and kept for the tab only', onMock, async () => {
    const locked = await openServer({ key: 'right-key' });
    const { page, problems, close } = await openPage(browser, locked.url, { allow: [/status of 401/] });
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await page.getByRole('button', { name: 'Not now' }).click();
    await page.locator('html[data-connection=locked]').waitFor();
    assert.equal(await dialog.count(), 0);
    await page.getByRole('button', { name: 'Enter key' }).click();
    await page.getByLabel('Key', { exact: true }).fill('wrong-key');
    await page.keyboard.press('Enter');
    await page.getByText('did not accept this key').waitFor();
    await page.getByLabel('Key', { exact: true }).fill('right-key');
    await page.keyboard.press('Enter');
    await connected(page);
    const kept = await page.evaluate(() => [
      JSON.stringify(localStorage).includes('right-key'),
      document.cookie,
      sessionStorage.getItem('docmind.key'),
    ]);
    assert.deepEqual(kept, [false, '', 'right-key']);
    await addManual(page);
    const turn = await ask(page, QUESTION);
    assert.equal(await turn.getAttribute('data-state'), 'done');
    clean(problems);
    await close();
    await locked.close();
  });

  test('a connection that is lost is told and found again', onMock, async () => {
    const first = await openServer();
    const port = Number(new URL(first.url).port);
    const { page, problems, close } = await openPage(browser, first.url, {
      allow: [/ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|ERR_FAILED|network error/],
    });
    await connected(page);
    await first.close();
    await page.locator('html[data-connection=lost]').waitFor();
    await page.getByRole('button', { name: 'Retry' }).waitFor();
    const turn = await ask(page, QUESTION);
    assert.equal(await turn.getAttribute('data-state'), 'failed');
    assert.match(await turn.locator('[role=alert]').innerText(), /cannot be reached/);
    const second = await openServer({ port });
    await page.waitForFunction(
      () => {
        document.querySelector('#connection button')?.click();
        return document.documentElement.dataset.connection === 'live';
      },
      null,
      { polling: 300 },
    );
    clean(problems);
    await close();
    await second.close();
  });
});
