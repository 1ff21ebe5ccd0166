import { type Page, expect, test as base } from '@playwright/test';

export { expect } from '@playwright/test';

/** Notes all that a page complains of: errors, what its policy forbids, what it could not load. */
function listen(page: Page, complaints: string[]): void {
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => {
    complaints.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
}

/** As Playwright's, but a page that complains of anything fails its test. */
export const test = base.extend<{ expected: RegExp | null }>({
  /** What a page may complain of in this test. */
  expected: [null, { option: true }],
  page: async ({ page, expected }, use) => {
    const complaints: string[] = [];
    listen(page, complaints);
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        console.error(`policy: ${violatedDirective} ${blockedURI}`),
      );
    });
    await use(page);
    const unexpected = complaints.filter((text) => !expected?.test(text));
    expect(unexpected, 'what the page complained of').toEqual([]);
  },
});
