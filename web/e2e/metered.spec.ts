import type { Page } from '@playwright/test';

import { meteredUrl, tokens } from './environment.ts';
import { lookAt } from './look.ts';
import { expect, test } from './test.ts';

const REPORT = '/report?target=github.com&mode=subdomains&limit=25';

test.use({ baseURL: meteredUrl, expected: /the server responded with a status of 40[123]/ });

async function signIn(page: Page, token: string, next: string): Promise<void> {
  await page.goto(`/sign-in?next=${encodeURIComponent(next)}`);
  await page.getByLabel('Your token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('a report is for those who have a token, and leads back to what was asked for', async ({
  page,
}) => {
  await page.goto(REPORT);
  await expect(page.locator('table.report')).toHaveCount(0);
  await signIn(page, 'x'.repeat(40), REPORT);
  await expect(page.getByRole('alert')).toBeVisible();
  await signIn(page, tokens.reader, REPORT);
  await expect(page).toHaveURL(/\/report\?/);
  await expect(page.locator('table.report')).toBeVisible();
  await expect(page.locator('header .account')).toContainText(/rows left/);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.goto(REPORT);
  await expect(page.locator('table.report')).toHaveCount(0);
});

test('who has no rows left is told so', async ({ page }) => {
  await signIn(page, tokens.poor, REPORT);
  await expect(page.locator('.notice-rows')).toBeVisible();
  await expect(page.locator('.notice-rows')).toContainText(/Request \S+/);
});

test('operations are for operators', async ({ page }) => {
  await signIn(page, tokens.reader, '/operations');
  await expect(page.locator('#page')).toBeVisible();
  await expect(page.locator('#tokens')).toHaveCount(0);
});

test('operators see tokens, segments and files with problems', async ({ page }) => {
  test.slow();
  await signIn(page, tokens.operator, '/operations');
  const names = page.locator('#tokens tbody th');
  await expect(names.filter({ hasText: 'reader' })).toHaveCount(1);
  await expect(names.filter({ hasText: 'operator' })).toHaveCount(1);
  expect(await page.locator('#segments tbody tr').count()).toBeGreaterThan(0);
  await expect(page.locator('#files tbody').first()).toContainText('damaged.warc.gz');
  // No page has a token.
  const html = await page.content();
  for (const token of Object.values(tokens)) expect(html).not.toContain(token);
  await lookAt(page, 'operations');
});

test('the start page names sites to who has signed in', async ({ page }) => {
  test.slow();
  await page.goto('/start');
  const sites = page.locator('.sites');
  await expect(sites.locator('table')).toHaveCount(0);
  await lookAt(page, 'start-closed');
  await sites.getByRole('link', { name: 'Sign in' }).click();
  await page.getByLabel('Your token').fill(tokens.reader);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/start$/);
  await expect(async () => {
    await page.reload();
    await expect(sites.locator('table')).toBeVisible({ timeout: 1000 });
  }).toPass();
});

test('the form for a token is accessible', async ({ page }) => {
  await page.goto('/sign-in');
  await expect(page.getByLabel('Your token')).toBeVisible();
  await lookAt(page, 'sign-in');
});
