import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';

import { artefacts } from './environment.ts';
import { expect } from './test.ts';

const WIDTHS = [360, 800, 1440];
const SCHEMES = ['light', 'dark'] as const;

/** Keeps pictures of a page in each width and scheme; it must fit, and be accessible. */
export async function lookAt(page: Page, name: string): Promise<void> {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      // Pictures are drawn when their place has its width.
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
      await page.screenshot({
        path: `${artefacts}/screenshots/${name}-${width}-${colorScheme}.png`,
        fullPage: true,
      });
      const beyond = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(beyond, `pixels to scroll sideways at ${width}`).toBeLessThanOrEqual(0);
    }
    const { violations } = await new AxeBuilder({ page }).analyze();
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    const found = grave.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
    expect(found, `findings in ${colorScheme}`).toEqual([]);
  }
}
