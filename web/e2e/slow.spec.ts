import { GITHUB } from './pages.ts';
import { expect, test } from './test.ts';

/** Holds an answer back until the test lets it go. */
function gate(): { open: () => void; opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

test('while a page is waited for, that is seen and said', async ({ page }) => {
  await page.goto(GITHUB);
  const { open, opened } = gate();
  await page.route(/order_by=backlinks/, async (route) => {
    await opened;
    await route.continue();
  });
  const part = page.locator('#page');
  await page
    .getByRole('columnheader', { name: 'Backlinks', exact: true })
    .getByRole('link')
    .click();
  await expect(part).toHaveAttribute('aria-busy', 'true');
  await expect(page.locator('html')).toHaveClass(/is-waiting/);
  // What was there stays, and can be used.
  await expect(page.locator('table.report')).toBeVisible();
  open();
  await expect(page).toHaveURL(/order_by=backlinks/);
  await expect(part).not.toHaveAttribute('aria-busy');
  await expect(page.locator('html')).not.toHaveClass(/is-waiting/);
  await expect(page.locator('#announce')).not.toBeEmpty();
});

test('what says that an answer is looked for goes when the answer is there', async ({ page }) => {
  const waiting = '<p id="loading" class="loading" role="status">Counting</p>';
  const loading = page.locator('#loading');
  // As a server sends it that needs a while: first what is around the answer, then the answer below it.
  await page.route(/\/report/, async (route) => {
    const response = await route.fetch();
    const answer = await response.text();
    // This one may have needed a while itself.
    const body = answer.includes('id="loading"')
      ? answer
      : answer.replace('<div id="page"', `${waiting}<div id="page"`);
    await route.fulfill({ response, body });
  });
  await page.goto(GITHUB);
  await expect(loading).toBeHidden();
  await page.locator('#page').evaluate((answer) => answer.remove());
  await expect(loading).toBeVisible();
});

test('a question ends the one before', async ({ page }) => {
  await page.goto(GITHUB);
  const { open, opened } = gate();
  await page.route(/order_by=backlinks/, async (route) => {
    await opened;
    await route.continue().catch(() => undefined);
  });
  const failed = page.waitForEvent('requestfailed', (request) =>
    request.url().includes('order_by=backlinks'),
  );
  await page
    .getByRole('columnheader', { name: 'Backlinks', exact: true })
    .getByRole('link')
    .click();
  await expect(page.locator('#page')).toHaveAttribute('aria-busy', 'true');
  await page.getByRole('columnheader', { name: 'Referring pages' }).getByRole('link').click();
  await failed;
  await expect(page).toHaveURL(/order_by=refpages/);
  open();
  await expect(page.locator('#page')).not.toHaveAttribute('aria-busy');
  await expect(page).toHaveURL(/order_by=refpages/);
});

test.describe('a server that fails', () => {
  test.use({ expected: /Failed to load resource|htmx/ });

  test('is said to, and asked again', async ({ page }) => {
    await page.goto(GITHUB);
    await page.route(/order_by=backlinks/, (route) => route.abort(), { times: 1 });
    await page
      .getByRole('columnheader', { name: 'Backlinks', exact: true })
      .getByRole('link')
      .click();
    const notice = page.getByRole('alert');
    await expect(notice).toContainText('did not answer');
    await expect(page.locator('html')).not.toHaveClass(/is-waiting/);
    await notice.getByRole('link', { name: 'Try again' }).click();
    await expect(page).toHaveURL(/order_by=backlinks/);
    await expect(page.locator('table.report')).toBeVisible();
    await expect(page.getByRole('alert')).toHaveCount(0);
  });

  test('has its page shown, with the request id', async ({ page }) => {
    await page.goto(GITHUB);
    await page.getByText('Add a filter').click();
    await page.getByLabel(/Before grouping \(/).fill('color=1');
    await page.getByRole('button', { name: 'Apply' }).click();
    await expect(page.getByRole('alert')).toContainText('color');
    await expect(page.getByRole('alert')).toContainText(/Request \S+/);
    await page.goBack();
    await expect(page.locator('table.report')).toBeVisible();
  });
});
