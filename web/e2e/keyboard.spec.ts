import type { Page } from '@playwright/test';

import { expect, test } from './test.ts';

/** Goes on with Tab until a control of that name has the focus, which must be seen. */
async function tabTo(page: Page, selector: string): Promise<void> {
  const wanted = page.locator(selector).first();
  for (let step = 0; step < 120; step += 1) {
    const isThere = await wanted.evaluate((element) => element === document.activeElement);
    if (isThere) {
      const outline = await wanted.evaluate((element) => getComputedStyle(element).outlineStyle);
      expect(outline, `the focus on ${selector} is seen`).not.toBe('none');
      return;
    }
    await page.keyboard.press('Tab');
  }
  throw new Error(`the keyboard does not reach ${selector}`);
}

test('from the start to the captures of a link by the keyboard alone', async ({ page }) => {
  await page.goto('/start');
  // The browser gives it the focus some time after the page is there.
  await expect(page.locator('[autofocus]')).toBeFocused();
  await page.keyboard.type('github.com');
  await page.keyboard.press('Enter');
  await expect(page.locator('table.report')).toBeVisible();
  for (const path of [/\/report\/refdomains/, /\/report\/backlinks/, /\/report\/link/]) {
    await tabTo(page, 'table.report tbody th a');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(path);
  }
  await expect(page.locator('#page')).toContainText(/\.warc\.gz/);
});

test('the first stop of the keyboard leads past what all pages have', async ({ page }) => {
  await page.goto('/report?target=github.com&mode=subdomains');
  await page.keyboard.press('Tab');
  const skip = page.locator('a.skip');
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(page.locator('#page')).toBeFocused();
});

test('after sorting by the keyboard the focus is where it was', async ({ page }) => {
  await page.goto('/report?target=github.com&mode=subdomains');
  const link = page.getByRole('columnheader', { name: 'First seen' }).getByRole('link');
  await link.focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/order_by=first_seen/);
  await expect(link).toBeFocused();
});
