import { type Anchors, ask } from './api.ts';
import { HOSTILE } from './pages.ts';
import { expect, test } from './test.ts';

test('hostile anchors are shown, marked, and harmless', async ({ page, request }) => {
  await page.goto(HOSTILE);
  await expect(page).not.toHaveTitle(/^(run|1)$/);
  const table = page.locator('table.report');
  const { anchors } = await ask<Anchors>(request, {
    from: 'anchors',
    target: 'hostile.example',
    mode: 'subdomains',
    limit: '50',
  });
  await expect(table.locator('tbody tr')).toHaveCount(anchors.length);
  // They are text: nothing of theirs is an element.
  await expect(table.locator('script, img, h1, [onmouseover], [onerror]')).toHaveCount(0);
  await expect(table).toContainText('<script>document.title');
  await expect(page.locator('h1')).toHaveCount(1);
  for (const name of ['RLO', 'LRI', 'RLI', 'ZWSP']) {
    await expect(table.locator('.mark', { hasText: name }).first()).toBeVisible();
  }
  const unmarked = await table.evaluate((element) =>
    /[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u.test(element.textContent),
  );
  expect(unmarked).toBe(false);
});

test('no address of a stranger becomes a link that runs', async ({ page }) => {
  const visited = new Set<string>();
  const waiting = [HOSTILE];
  let looked = 0;
  while (waiting.length > 0 && looked < 24) {
    const path = waiting.shift() ?? '';
    await page.goto(path);
    looked += 1;
    await expect(page.locator('#page')).toBeVisible();
    await expect(page).not.toHaveTitle(/^(run|1)$/);
    const links = await page
      .locator('a[href]')
      .evaluateAll((all) => all.map((link) => (link as HTMLAnchorElement).href));
    for (const link of links) {
      const { protocol, pathname, search } = new URL(link);
      expect(['http:', 'https:'], link).toContain(protocol);
      const isDrill = /^\/report\/(refdomains|backlinks|link)$/.test(pathname);
      if (isDrill && !visited.has(link) && search.includes('hostile')) {
        visited.add(link);
        // Those that lead deeper come first.
        waiting.unshift(link);
      }
    }
  }
  expect(visited.size).toBeGreaterThan(3);
});

test('an anchor of 64 KiB neither fills the page nor widens it', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 800 });
  await page.goto(`${HOSTILE}&having=substring(anchor,"long long")`);
  const row = page.locator('table.report tbody tr').first();
  await expect(row).toBeVisible();
  const box = await row.boundingBox();
  expect(box?.height).toBeLessThan(800);
  expect(box?.width).toBeLessThanOrEqual(360);
});
