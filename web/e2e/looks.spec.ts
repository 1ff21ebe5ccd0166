import AxeBuilder from '@axe-core/playwright';

import { artefacts } from './environment.ts';
import { PAGES } from './pages.ts';
import { expect, test } from './test.ts';

const WIDTHS = [360, 800, 1440];
const SCHEMES = ['light', 'dark'] as const;

for (const known of PAGES) {
  test.describe(known.name, () => {
    // A status that is no success is an error to a browser's console too.
    test.use({ expected: known.status ? /the server responded with a status of/ : null });

    test(`${known.name} is accessible, and fits screens of each width`, async ({ page }) => {
      const response = await page.goto(known.path);
      expect(response?.status()).toBe(known.status ?? 200);
      await expect(page.locator(known.ready).first()).toBeVisible();
      for (const colorScheme of SCHEMES) {
        await page.emulateMedia({ colorScheme });
        for (const width of WIDTHS) {
          await page.setViewportSize({ width, height: 900 });
          // Pictures are drawn when their place has its width.
          await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
          await page.screenshot({
            path: `${artefacts}/screenshots/${known.name}-${width}-${colorScheme}.png`,
            fullPage: true,
          });
          const beyond = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          expect(beyond, `pixels to scroll sideways at ${width}`).toBeLessThanOrEqual(0);
        }
        const { violations } = await new AxeBuilder({ page }).analyze();
        const grave = violations.filter(
          ({ impact }) => impact === 'serious' || impact === 'critical',
        );
        const found = grave.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
        expect(found, `findings in ${colorScheme}`).toEqual([]);
      }
    });
  });
}
