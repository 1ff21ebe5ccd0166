import { GITHUB } from './pages.ts';
import { rowsOf } from './table.ts';
import { expect, test } from './test.ts';

test.use({ javaScriptEnabled: false });

test('without scripts: from the start to the bytes of a link', async ({ page }) => {
  await page.goto('/start');
  await page.locator('#target').fill('github.com');
  await page.locator('form.target button').click();
  await expect(page.locator('table.report')).toBeVisible();
  await page.locator('table.report tbody th a').first().click();
  await page.locator('table.report tbody th a').first().click();
  await page.locator('table.report tbody th a').first().click();
  await expect(page).toHaveURL(/\/report\/link/);
  await expect(page.locator('#page')).toContainText(/\.warc\.gz/);
});

test('without scripts: sorting, filters, paging, history', async ({ page }) => {
  await page.goto(`${GITHUB}&limit=25`);
  const header = page.locator('th', { hasText: /^Backlinks/ });
  await header.getByRole('link').click();
  await expect(header).toHaveAttribute('aria-sort', 'descending');
  await page.locator('#page-next').click();
  await expect(page).toHaveURL(/offset=25/);
  await page.getByLabel('Anchor contains').fill('source');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page.locator('.chip')).toHaveCount(1);
  await expect(page).not.toHaveURL(/offset/);
  for (const { label } of await rowsOf(page)) expect(label.toLowerCase()).toContain('source');
  await page.locator('.chip-remove').click();
  await expect(page.locator('.chip')).toHaveCount(0);
  await page.getByRole('link', { name: /all time/i }).click();
  await expect(page).toHaveURL(/history=all_time/);
  await expect(page.locator('table.report')).toBeVisible();
});

test('without scripts: nothing that only scripts can do is offered', async ({ page }) => {
  await page.goto(GITHUB);
  await expect(page.locator('[data-copy]').first()).toBeHidden();
  await page.goto('/start');
  await expect(page.locator('#recent')).toBeHidden();
});
