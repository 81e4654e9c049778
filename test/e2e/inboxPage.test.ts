import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type SentryClient, startSentryClient } from '../../src/sentry/client.ts';
import { type Inbox, startInbox } from '../../src/sentry/inbox/server.ts';
import { launchChromium } from '../support/chromium.ts';
import { deliverSampleIncidents } from '../support/sampleIncidents.ts';

const narrow = { width: 390, height: 844 };
const wide = { width: 1_280, height: 900 };

describe('the page of the inbox in a browser', () => {
  let inbox: Inbox;
  let empty: Inbox;
  let client: SentryClient;
  let browser: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    [inbox, empty, browser] = await Promise.all([
      startInbox({ host: '127.0.0.1', port: 0 }),
      startInbox({ host: '127.0.0.1', port: 0 }),
      launchChromium(),
    ]);
    client = await startSentryClient({ dsn: inbox.dsn, environment: 'production', release: 'tidemark@0.1.0' });
    await deliverSampleIncidents(client);
    page = await browser.newPage({ viewport: wide });
    page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => problems.push(error.message));
    page.on('requestfailed', (request) => {
      // Leaving a page ends what it was still loading.
      if (request.failure()?.errorText !== 'net::ERR_ABORTED') problems.push(`failed: ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400) problems.push(`${response.status()}: ${response.url()}`);
    });
  });
  afterEach(() => {
    expect(problems.splice(0)).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await client?.close();
    await Promise.all([inbox?.close(), empty?.close()]);
  });

  /** Overflow: anything that makes the page wider than the window. */
  const overflow = () =>
    page.evaluate<number>(
      'Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) - document.documentElement.clientWidth',
    );
  const shoot = async (name: string) => {
    const folder = process.env.SCREENSHOTS;
    if (folder !== undefined) await page.screenshot({ path: `${folder}/inbox-${name}.png`, fullPage: true });
  };

  it('lists the issues, newest first, with level, line and number of events', async () => {
    await page.setViewportSize(wide);
    await page.goto(inbox.url);
    expect(await page.title()).toBe('4 issues · Tidemark inbox');
    expect(await page.locator('.issues .title').allTextContents()).toEqual(inbox.issues().map(({ title }) => title));
    const first = page.locator('.issues li').first();
    expect(await first.locator('.level').textContent()).toBe('Error');
    expect(await first.locator('.value').textContent()).toContain('accuracy 81.2 %');
    expect(await first.locator('.seen').textContent()).toContain('3 events');
    await shoot('list');
  });

  it('opens an issue with its tags, tables and timeline, and goes back to an earlier event', async () => {
    await page.goto(inbox.url);
    await page.locator('.issues .title').first().click();
    expect(await page.locator('h1').textContent()).toBe('Accuracy drop: fraud');
    expect(await page.locator('.section h2').allTextContents()).toEqual([
      'Attachments',
      'Top features',
      'What changed',
      'Source',
      'Reproduce',
      'What now',
      'Links',
      '3 events',
      'About',
    ]);
    expect(await page.locator('.timeline b').allTextContents()).toEqual(['reminded', 'escalated', 'opened']);
    expect(await page.evaluate<number>('document.querySelector(".picture").naturalWidth')).toBeGreaterThan(0);
    await shoot('issue');
    await page.getByText('opened', { exact: true }).last().click();
    expect(await page.locator('.timeline [aria-current] b').textContent()).toBe('opened');
    expect(await page.locator('.head .line').textContent()).toContain('accuracy 84.6 %');
  });

  it('keeps the raw event folded until asked', async () => {
    await page.goto(inbox.url);
    await page.locator('.issues .title').nth(1).click();
    expect(await page.locator('details pre').isVisible()).toBe(false);
    await page.locator('details summary').click();
    expect(await page.locator('details pre').textContent()).toContain('"fingerprint"');
  });

  it.each(['light', 'dark'] as const)('fits a telephone without scrolling sideways (%s)', async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(narrow);
    await page.goto(inbox.url);
    expect(await overflow()).toBe(0);
    await shoot(`list-narrow-${colorScheme}`);
    for (const issue of inbox.issues()) {
      await page.goto(new URL(`issues/${issue.id}`, inbox.url).href);
      expect(await overflow()).toBe(0);
    }
    await shoot(`issue-narrow-${colorScheme}`);
    await page.setViewportSize(wide);
    await page.goto(inbox.url);
    await shoot(`list-${colorScheme}`);
    await page.locator('.issues .title').first().click();
    expect(await overflow()).toBe(0);
    await shoot(`issue-${colorScheme}`);
  });

  it('works from the keyboard', async () => {
    await page.goto(inbox.url);
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/\/issues\//);
    expect(await page.locator('h1').textContent()).toBe('Accuracy drop: fraud');
  });

  it('has text of enough contrast in both schemes', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.goto(inbox.url);
      const ratios = await page.evaluate<number[]>(contrastOfLevels);
      expect(ratios.length).toBeGreaterThan(4);
      for (const ratio of ratios) expect(ratio).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('says how to send something while nothing has come', async () => {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(empty.url);
    expect(await page.locator('.empty h1').textContent()).toBe('All quiet');
    expect(await page.locator('.empty code').textContent()).toBe(empty.dsn);
    await shoot('empty');
  });
});

/** Runs in the page: WCAG contrast of the badges and the soft text against what is painted behind them. */
const contrastOfLevels = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour) => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const luminance = (colour) => rgb(colour).slice(0, 3).map((v) => v / 255).map((v) => (v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const ground = (element) => { for (let e = element; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (c !== 'rgba(0, 0, 0, 0)') return c; } return 'white'; };
  return [...document.querySelectorAll('.level, .value, .seen, .chip span, .chip b, .note, .tally')].map((element) => {
    const [a, b] = [luminance(getComputedStyle(element).color), luminance(ground(element))].sort((x, y) => y - x);
    return (a + .05) / (b + .05);
  });
})()`;
