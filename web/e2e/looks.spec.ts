import { lookAt } from './look.ts';
import { PAGES } from './pages.ts';
import { expect, test } from './test.ts';

for (const known of PAGES) {
  test.describe(known.name, () => {
    // A status that is no success is an error to a browser's console too.
    test.use({ expected: known.status ? /the server responded with a status of/ : null });

    test.slow();

    test(`${known.name} is accessible, and fits screens of each width`, async ({ page }) => {
      const response = await page.goto(known.path);
      expect(response?.status()).toBe(known.status ?? 200);
      await expect(page.locator(known.ready).first()).toBeVisible();
      await lookAt(page, known.name);
    });
  });
}
