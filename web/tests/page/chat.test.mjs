// Chat: ask, stream, cite, open the source, from the cache, stop, and by keyboard alone.
// SPDX-License-Identifier: Apache-2.0
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import {
  ANSWER,
  NAME,
  QUESTION,
  REAL_URL,
  addManual,
  ask,
  clean,
  connected,
  openBrowser,
  openPage,
  openServer,
  removeDocument,
} from './support.mjs';

const onMock = { skip: REAL_URL !== '' && 'needs what only the mock does' };

describe('chat', () => {
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
    await addManual(page);
  });
  after(async () => {
    try {
      await removeDocument(page, NAME);
      clean(tab.problems);
    } finally {
      await browser?.close();
      await server?.close();
    }
  });

  test('an answer streams in, with its sources and where its time went', async () => {
    // The stream as the page reads it: text comes before the answer is whole.
    const turn = await ask(page, QUESTION);
    assert.match(await turn.locator('.answer').innerText(), ANSWER);
    assert.match(await turn.locator('.badge').first().innerText(), /fresh|cache/i);
    assert.ok((await turn.locator('.trace-bar span').count()) > 0);
    assert.match(await turn.locator('.trace-legend').innerText(), /\d (ms|µs|s)/);
    assert.ok((await turn.locator('.sources li').count()) > 0);
    assert.match(await turn.locator('.sources').innerText(), new RegExp(NAME));
  });

  test('a number in the text opens the passage with the cited lines marked', async () => {
    const turn = page.locator('.turn').first();
    const chip = turn.locator('.answer button.chip').first();
    await chip.click();
    const panel = page.locator('aside.source');
    await panel.locator('.line.cited').first().waitFor();
    assert.equal(await panel.locator('h2').innerText(), NAME);
    assert.match(await panel.locator('.passage.cited').first().innerText(), ANSWER);
    assert.match((await panel.locator('mark').allInnerTexts()).join(' '), ANSWER);
    await page.keyboard.press('Escape');
    await panel.waitFor({ state: 'hidden' });
    // Back where it was opened.
    assert.equal(await chip.evaluate((element) => element === document.activeElement), true);
  });

  test('the same question comes from the cache, and is made anew when that is asked for', async () => {
    const turn = await ask(page, QUESTION);
    assert.match(await turn.locator('.badge').first().innerText(), /From cache/);
    await turn.getByRole('button', { name: 'Regenerate' }).click();
    await turn.locator('.badge.fresh').waitFor();
    assert.match(await turn.locator('.answer').innerText(), ANSWER);
  });

  test('feedback is taken', async () => {
    const turn = await ask(page, QUESTION);
    const good = turn.getByRole('button', { name: 'The answer is right' });
    await good.click();
    await turn.locator('.feedback [aria-pressed=true]').waitFor();
    assert.equal(await good.getAttribute('aria-pressed'), 'true');
    if (!server.real) assert.equal(server.feedback.at(-1).good, true);
  });

  test('questions of the page are listed and come back with the arrow keys', async () => {
    const list = page.locator('.history li');
    assert.ok((await list.count()) >= 3);
    await list.first().getByRole('button').click();
    assert.equal(await page.evaluate(() => document.activeElement.id), 'turn-1-question');
    const input = page.getByLabel('Question', { exact: true });
    await input.fill('half a quest');
    await input.press('ArrowUp');
    assert.equal(await input.inputValue(), QUESTION);
    await input.press('ArrowDown');
    assert.equal(await input.inputValue(), 'half a quest');
    await input.fill('');
  });

  test('what the documents do not say is said so', async () => {
    const turn = await ask(page, 'Who painted the ceiling of the zeppelin hangar in Ulaanbaatar?');
    await turn.locator('.badge.plain').waitFor();
    assert.equal(await turn.getAttribute('data-answered'), 'false');
  });

  test('answers are text: markup of an answer does nothing', onMock, async () => {
    await page.route('**/v1/rag/query', (route) =>
      route.fulfill({
        contentType: 'text/event-stream',
        body: [
          {
            event: 'delta',
            data: { text: '<img src=x onerror="document.title=1"> ![a](http://192.0.2.1/x.png) **bold** [1]' },
          },
          {
            event: 'answer',
            data: {
              question: 'q',
              collection: 'default',
              answered: true,
              citations: [],
              provider: 'p',
              cache: 'off',
              total_ms: 1,
              text: '<img src=x onerror="document.title=1"> ![a](http://192.0.2.1/x.png) **bold** [1]',
            },
          },
        ]
          .map(({ event, data }) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
          .join(''),
      }),
    );
    const turn = await ask(page, 'markup');
    await page.unroute('**/v1/rag/query');
    assert.equal(await turn.locator('.answer img').count(), 0);
    assert.equal(await turn.locator('.answer strong').innerText(), 'bold');
    assert.match(await turn.locator('.answer').innerText(), /<img src=x .* \[1\]$/);
    assert.equal(await page.title(), 'DocMind');
  });

  test('text is seen before the answer is whole, and Esc stops it', onMock, async () => {
    const input = page.getByLabel('Question', { exact: true });
    await input.fill('Tell me about the recording formats in detail');
    await input.press('Enter');
    const turn = page.locator('.turn').last();
    await turn.locator('.answer .chip.pending').first().waitFor();
    assert.equal(await turn.getAttribute('data-state'), 'running');
    const length = async () => (await turn.locator('.answer').innerText()).length;
    const first = await length();
    await page.waitForTimeout(400);
    assert.ok((await length()) > first, 'no text came');
    assert.equal(await page.locator('.send').getAttribute('aria-label'), 'Stop');
    await page.keyboard.press('Escape');
    await turn.locator('.actions').waitFor();
    assert.equal(await turn.getAttribute('data-state'), 'stopped');
    assert.equal(await page.locator('.send').getAttribute('aria-label'), 'Send');
    assert.ok((await turn.locator('.answer ol li').count()) > 1, 'what had come stays');
  });

  test('a failure in the middle is told in the words of the server', onMock, async () => {
    const turn = await ask(page, 'please fail');
    assert.equal(await turn.getAttribute('data-state'), 'failed');
    assert.match(await turn.locator('[role=alert]').innerText(), /KV budget of 1\.5 GiB is used up/);
  });

  test('with a language model it can be asked alone', async (context) => {
    const choice = page.getByRole('radio', { name: 'Model only' });
    if (!(await choice.isVisible())) return context.skip('no language model is loaded');
    await choice.check();
    const turn = await ask(page, 'Say something');
    assert.equal(await turn.getAttribute('data-state'), 'done');
    assert.ok((await turn.locator('.answer').innerText()).length > 0);
    await page.getByRole('radio', { name: 'From my documents' }).check();
    return undefined;
  });

  test('everything can be done by keyboard', async () => {
    await page.reload();
    await connected(page);
    // As if the page had just been come to: the next Tab is the first.
    await page.evaluate(() => {
      document.body.tabIndex = -1;
      document.body.focus();
      document.body.removeAttribute('tabindex');
    });
    const press = (key) => page.keyboard.press(key);
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.id || document.activeElement?.className || document.activeElement?.tagName,
      );
    await press('Tab');
    assert.equal(await focused(), 'skip');
    await press('Tab');
    assert.equal(await focused(), 'tab-chat');
    await press('ArrowRight');
    assert.equal(await focused(), 'tab-documents');
    await page.locator('#panel-documents').waitFor();
    await press('ArrowRight');
    await page.locator('#panel-performance').waitFor();
    await press('Home');
    await page.locator('#panel-chat').waitFor();
    for (let presses = 0; (await focused()) !== 'question'; presses += 1) {
      assert.ok(presses < 12, 'the question is not reached with Tab');
      await press('Tab');
    }
    await page.keyboard.type('How often is');
    await press('Shift+Enter');
    await page.keyboard.type('the tide gauge KX-7 calibrated?');
    assert.equal(
      await page.getByLabel('Question', { exact: true }).inputValue(),
      'How often is\nthe tide gauge KX-7 calibrated?',
    );
    await press('Enter');
    const turn = page.locator('.turn').last();
    await turn.locator('.actions').waitFor();
    for (let presses = 0; !(await focused()).includes('chip'); presses += 1) {
      assert.ok(presses < 12, 'no source is reached with Shift+Tab');
      await press('Shift+Tab');
      if ((await focused()).includes('source-link')) break;
    }
    await press('Enter');
    await page.locator('aside.source .line.cited').first().waitFor();
    assert.equal(await focused(), 'source-title');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.equal(outline, 'solid', 'the focus is not seen');
    await press('Escape');
    await page.locator('aside.source').waitFor({ state: 'hidden' });
  });
});
