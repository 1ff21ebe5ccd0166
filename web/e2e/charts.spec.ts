import type { Locator } from '@playwright/test';

import { GITHUB } from './pages.ts';
import { expect, test } from './test.ts';

const PICTURES = '/report/pictures?target=github.com&mode=subdomains';

/** How many different colours a canvas has: one that nothing was drawn on has one. */
function coloursOf(canvas: Locator): Promise<number> {
  return canvas.evaluate((element) => {
    const { width, height } = element as HTMLCanvasElement;
    const context = (element as HTMLCanvasElement).getContext('2d');
    const pixels = new Uint32Array(context?.getImageData(0, 0, width, height).data.buffer ?? []);
    return new Set(pixels).size;
  });
}

test('each table of a picture is drawn, named, and still there', async ({ page }) => {
  await page.goto(PICTURES);
  const figures = page.locator('figure[data-chart]:has(.chart-picture)');
  await expect(figures.first()).toBeVisible();
  expect(await figures.count()).toBeGreaterThanOrEqual(3);
  for (const figure of await figures.all()) {
    const caption = (await figure.locator('figcaption').textContent())?.trim() ?? '';
    const canvas = figure.getByRole('img', { name: caption.slice(0, 20) });
    await expect(canvas).toBeVisible();
    await expect(canvas).toHaveAccessibleDescription(/table below/);
    await expect.poll(() => coloursOf(canvas)).toBeGreaterThan(2);
    const table = figure.locator('table');
    await expect(table).toBeHidden();
    await figure.locator('summary').click();
    await expect(table).toBeVisible();
    expect(await table.locator('tbody tr').count()).toBeGreaterThan(0);
  }
});

test('pictures follow the colours of the system', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto(PICTURES);
  const canvas = page.locator('canvas').first();
  await expect.poll(() => coloursOf(canvas)).toBeGreaterThan(2);
  const drawn = () => canvas.evaluate((element) => (element as HTMLCanvasElement).toDataURL());
  const light = await drawn();
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(drawn).not.toBe(light);
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(drawn).toBe(light);
});

test('a bar leads where the row of its table leads', async ({ page }) => {
  await page.goto(PICTURES);
  const figure = page.locator('figure[data-chart="bar"]').first();
  const canvas = figure.locator('canvas');
  await expect.poll(() => coloursOf(canvas)).toBeGreaterThan(2);
  const hrefs = await figure
    .locator('tbody a')
    .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href));
  expect(hrefs.length).toBeGreaterThan(0);
  const box = await canvas.boundingBox();
  await page.mouse.move(
    (box?.x ?? 0) + (box?.width ?? 0) / 2,
    (box?.y ?? 0) + (box?.height ?? 0) / 2,
  );
  await expect(canvas).toHaveCSS('cursor', 'pointer');
  await page.mouse.down();
  await page.mouse.up();
  await expect.poll(() => hrefs.includes(page.url())).toBe(true);
});

test('pictures of a report come when they are near, and stay when its table changes', async ({
  page,
}) => {
  let asked = 0;
  await page.route(/\/report\/pictures/, (route) => {
    asked += 1;
    return route.continue();
  });
  await page.goto(`${GITHUB}&limit=25`);
  await page.locator('[data-lazy]').scrollIntoViewIfNeeded();
  await expect(page.locator('[data-lazy] canvas').first()).toBeVisible();
  const first = page.locator('[data-lazy] canvas').first();
  const id = await first.evaluate((canvas) => canvas.getAttribute('aria-labelledby'));
  await page.locator('#page-next').click();
  await expect(page).toHaveURL(/offset=25/);
  await expect(first).toHaveAttribute('aria-labelledby', id ?? '');
  await page.getByRole('columnheader', { name: 'First seen' }).getByRole('link').click();
  await expect(page).toHaveURL(/order_by=first_seen/);
  await expect(first).toHaveAttribute('aria-labelledby', id ?? '');
  await expect.poll(() => coloursOf(first)).toBeGreaterThan(2);
  expect(asked).toBe(1);
});

test.describe('pictures that do not come', () => {
  test.use({ expected: /Failed to load resource/ });

  test('are said to, and asked for again', async ({ page }) => {
    await page.route(/\/report\/pictures/, (route) => route.abort(), { times: 1 });
    await page.goto(GITHUB);
    const place = page.locator('[data-lazy]');
    await place.scrollIntoViewIfNeeded();
    await expect(place.getByRole('alert')).toContainText('could not be loaded');
    await place.getByRole('link', { name: 'Try again' }).click();
    await expect(place.locator('canvas').first()).toBeVisible();
    await expect(place.getByRole('alert')).toHaveCount(0);
  });
});

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('the numbers of pictures are tables', async ({ page }) => {
    await page.goto(GITHUB);
    await page.locator('[data-lazy] a').click();
    await expect(page.locator('figure table').first()).toBeVisible();
    await expect(page.locator('.chart-picture').first()).toBeHidden();
    await page.locator('figure table tbody a').first().click();
    await expect(page).toHaveURL(/\/report/);
  });
});
