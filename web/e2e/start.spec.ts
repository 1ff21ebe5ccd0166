import { expect, test } from './test.ts';

test('what is typed is recognised, and the mode that fits is chosen', async ({ page }) => {
  await page.goto('/start');
  const field = page.locator('#target');
  await expect(field).toBeFocused();
  const recognised = page.locator('#recognised');
  const mode = (name: string) => page.locator(`input[name=mode][value=${name}]`);
  await field.fill('github.com');
  await expect(recognised).toContainText('github.com');
  await expect(mode('subdomains')).toBeChecked();
  await field.fill('https://docs.python.org/3/library/');
  await expect(mode('prefix')).toBeChecked();
  await field.fill('docs.python.org/3/library/os.html');
  await expect(mode('exact')).toBeChecked();
  // What a reader chose stays.
  await mode('domain').check();
  await field.fill('github.com');
  await expect(recognised).toContainText('github.com');
  await expect(mode('domain')).toBeChecked();
  await field.fill('');
  await expect(recognised).toBeEmpty();
});

test('what is no target is said in words, and not sent into the page as it is', async ({
  page,
}) => {
  await page.goto('/start');
  await page.locator('#target').fill('http://<b>x</b>/');
  const recognised = page.locator('#recognised');
  await expect(recognised).not.toBeEmpty();
  await expect(recognised.locator('b', { hasText: /^x$/ })).toHaveCount(0);
});

test('a target leads to its report', async ({ page }) => {
  await page.goto('/start');
  await page.locator('#target').fill('github.com');
  await page.locator('#target').press('Enter');
  await expect(page).toHaveURL(/\/report\?.*target=github.com/);
  await expect(page.locator('table.report')).toBeVisible();
  await expect(page.locator('#target')).toHaveValue('github.com');
});

test('recent targets are kept, newest first, and forgotten', async ({ page }) => {
  await page.goto('/start');
  await expect(page.locator('#recent')).toBeHidden();
  await page.goto('/report?target=w3.org&mode=subdomains');
  await page.goto('/report?target=github.com&mode=domain');
  await page.goto('/start');
  const links = page.locator('#recent li a');
  await expect(links).toHaveText([/github\.com/, /w3\.org/]);
  await links.last().click();
  await expect(page).toHaveURL(/target=w3\.org/);
  await page.goto('/start');
  await page.locator('[data-recent-clear]').click();
  await expect(page.locator('#recent')).toBeHidden();
  await page.reload();
  await expect(page.locator('#recent')).toBeHidden();
});

test('what others have stored becomes no link that runs, and no markup', async ({ page }) => {
  await page.goto('/start');
  await page.evaluate(() =>
    localStorage.setItem(
      'windlass.recent',
      JSON.stringify([
        { label: 'runs', href: 'javascript:document.title=1' },
        { label: 'elsewhere', href: 'https://other.example/' },
        { label: '<b>bold</b>', href: '/report?target=w3.org' },
        { label: 7 },
        null,
      ]),
    ),
  );
  await page.reload();
  await expect(page.locator('#recent li a')).toHaveText(['<b>bold</b>']);
  await page.evaluate(() => localStorage.setItem('windlass.recent', '{{'));
  await page.reload();
  await expect(page.locator('#recent')).toBeHidden();
});
