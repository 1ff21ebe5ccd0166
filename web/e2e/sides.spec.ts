import { readFile } from 'node:fs/promises';

import { type Anchors, ask } from './api.ts';
import { rowsOf } from './table.ts';
import { expect, test } from './test.ts';

test('targets are compared: common anchors, and those of one alone', async ({ page, request }) => {
  await page.goto('/compare');
  await page.getByLabel('Target 1').fill('github.com');
  await page.getByLabel('Target 2').fill('wikipedia.org');
  await page.locator('.compare-form').getByText('subdomains').click();
  await page.getByRole('button', { name: 'Compare' }).click();
  await expect(page).toHaveURL(/\/compare\?.*github\.com.*wikipedia\.org/);
  const rows = page.locator('table.compare-targets tbody tr');
  await expect(rows).toHaveCount(2);
  for (const [index, target] of ['github.com', 'wikipedia.org'].entries()) {
    const { stats } = await ask<Anchors>(request, {
      from: 'anchors',
      target,
      mode: 'subdomains',
      limit: '0',
    });
    const shown = rows.nth(index).locator('[data-label="Backlinks"] data');
    await expect(shown).toHaveAttribute('value', String(stats.backlinks));
  }
  const tabs = page.getByRole('navigation', { name: 'Which anchors' }).getByRole('link');
  for (let index = 0; index < (await tabs.count()); index += 1) {
    const tab = tabs.nth(index);
    const count = Number(await tab.locator('data').getAttribute('value'));
    await tab.click();
    await expect(tab).toHaveAttribute('aria-current', 'true');
    const shown = page.locator('table.report.compare:not(.compare-targets) tbody tr');
    await expect(shown).toHaveCount(Math.min(count, 50));
  }
});

test('an export has all rows of the report, and its size and cost are said first', async ({
  page,
  request,
}) => {
  await page.goto('/export?target=github.com&mode=subdomains&having=backlinks>=2');
  const parameters = {
    from: 'anchors',
    target: 'github.com',
    mode: 'subdomains',
    having: 'backlinks>=2',
  };
  const { anchors } = await ask<Anchors>(request, parameters);
  const text = new Intl.NumberFormat('en-GB').format(anchors.length);
  await expect(page.locator('.page-head')).toContainText(`${text} rows`);
  for (const format of ['CSV', 'JSON', 'Parquet']) {
    const card = page.locator('.formats > li', {
      has: page.getByRole('heading', { name: format }),
    });
    await expect(card.first()).toContainText(/\d+(\.\d+)?\s?(B|bytes|kB|KiB|MB|MiB)/);
  }
  const download = page.waitForEvent('download');
  await page.getByRole('link', { name: /Download CSV/ }).click();
  const csv = await readFile(await (await download).path(), 'utf8');
  expect(csv.split('\r\n').filter((line) => line !== '').length).toBe(anchors.length + 1);
});

test('what is new and lost can be looked at, each link down to its captures', async ({ page }) => {
  await page.goto('/report/changes?target=sphinx.pocoo.org&mode=domain');
  const tags = page.locator('table.report .tag');
  await expect(tags.filter({ hasText: 'lost' }).first()).toBeVisible();
  await page.getByLabel('Which').selectOption('lost');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(page).toHaveURL(/type=lost/);
  await expect(tags.filter({ hasText: 'new' })).toHaveCount(0);
  expect((await rowsOf(page)).length).toBe(32);
});
