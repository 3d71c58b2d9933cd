// Performance: tiles, charts that move, decisions and tables.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { REAL_URL, clean, connected, openBrowser, openPage, openServer, openTab } from './support.mjs';

const onMock = { skip: REAL_URL !== '' && 'needs what only the mock does' };

describe('performance', () => {
  let browser;
  let server;
  let tab;
  let page;

  before(async () => {
    browser = await openBrowser();
    server = await openServer();
    tab = await openPage(browser, server.url);
    page = tab.page;
    await connected(page);
    await openTab(page, 'Performance');
    await page.locator('#chart-memory canvas').waitFor();
  });
  after(async () => {
    try {
      clean(tab.problems);
    } finally {
      await browser?.close();
      await server?.close();
    }
  });

  test('the state is there at a glance', async () => {
    await page.waitForFunction(() =>
      /\d/.test(document.querySelector('#tile-memory .tile-value')?.textContent ?? ''),
    );
    assert.match(await page.locator('#tile-memory').innerText(), /\d+(\.\d)? [MG]iB/);
    assert.equal(await page.locator('.tile').count(), 6);
    assert.match(await page.locator('#tile-work .tile-value').innerText(), /^\d+ \/ \d+$/);
  });

  test('charts move: a point is added each second, and something is drawn', async () => {
    const newest = () => page.locator('#chart-memory').getAttribute('data-newest').then(Number);
    const first = await newest();
    await page.waitForFunction(
      (value) => Number(document.querySelector('#chart-memory').dataset.newest) >= value + 2,
      first,
      { timeout: 10_000 },
    );
    const colours = await page.locator('#chart-memory canvas').evaluate((canvas) => {
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const seen = new Set();
      for (let at = 0; at < data.length; at += 4)
        if (data[at + 3] > 200) seen.add(`${data[at]},${data[at + 1]},${data[at + 2]}`);
      return seen.size;
    });
    assert.ok(colours > 3, `only ${colours} colours are drawn`);
  });

  test('the window can be chosen', async () => {
    for (const [label, minutes] of [
      ['15 min', '15'],
      ['2 h', '120'],
      ['24 h', '1440'],
      ['5 min', '5'],
    ]) {
      const answer = page.waitForResponse((response) => response.url().includes(`minutes=${minutes}`));
      await page.getByRole('radio', { name: label, exact: true }).check();
      assert.equal((await answer).status(), 200);
    }
    await page.waitForFunction(() => Number(document.querySelector('#chart-memory').dataset.points) > 0);
  });

  test('under the pointer all charts show the same moment', onMock, async () => {
    const plot = page.locator('#chart-memory .u-over');
    await plot.hover({ position: { x: 100, y: 50 } });
    const moments = await page.locator('.chart .chart-when').allInnerTexts();
    assert.match(moments[0], /^\d\d:\d\d:\d\d$/);
    assert.equal(new Set(moments).size, 1);
  });

  test('the decision log gives the reasons', async () => {
    const log = page.locator('#decisions');
    await log.locator('li').first().waitFor();
    if (server.real) return;
    assert.equal(await log.locator('li').count(), 5);
    const first = await log.locator('li').first().innerText();
    assert.match(first, /max sequences 8 → 6/);
    assert.match(first, /memory budget is 83% used/);
    assert.match(first, /two texts fewer run together/);
    assert.match(await log.innerText(), /cache memory 32\.0 MiB → 64\.0 MiB/);
  });

  test('opened by its address everything is there at once', onMock, async () => {
    const direct = await openPage(browser, server.url, { hash: '#performance' });
    await direct.page.locator('#decisions li .change').first().waitFor({ timeout: 4_000 });
    await direct.page.locator('#recommendations .setting').first().waitFor({ timeout: 1_000 });
    clean(direct.problems);
    await direct.close();
  });

  test('recommendations come with the setting to copy', onMock, async () => {
    const advice = page.locator('#recommendations');
    assert.match(await advice.innerText(), /KV cache is 92%/);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await advice.getByRole('button', { name: 'Copy kv.format = "int4"' }).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'kv.format = "int4"');
  });

  test('models, GPU, stages and settings are listed', async () => {
    for (const id of ['stages', 'models', 'gpu', 'quality', 'caches', 'batches', 'settings']) {
      assert.ok((await page.locator(`#${id}`).innerText()).length > 20, id);
    }
    assert.match(await page.locator('#gpu').innerText(), /GPU/);
    assert.equal(await page.locator('#settings tbody tr').count(), 9);
    if (!server.real) assert.match(await page.locator('#gpu').innerText(), /No GPU: libnvidia-ml/);
  });

  test('the stages have counts and percentiles', onMock, async () => {
    const row = page.locator('#stages tr', { hasText: 'Whole answer' });
    assert.match((await row.innerText()).replace(/\s+/g, ' '), /^Whole answer \d+ \S+ \S+ \S+ \S+ \S+ \S+$/);
  });
});
