import { type Anchors, ask } from './api.ts';
import { GITHUB } from './pages.ts';
import { expect, test } from './test.ts';
import { rowsOf } from './table.ts';

const TITLE = /Anchors/;

test('a click on a column sorts by it, and a second one the other way', async ({ page }) => {
  await page.goto(GITHUB);
  const header = page.getByRole('columnheader', { name: 'Backlinks', exact: true });
  await header.getByRole('link').click();
  await expect(header).toHaveAttribute('aria-sort', 'descending');
  await expect(page).toHaveURL(/order_by=backlinks%3Adesc/);
  const down = (await rowsOf(page)).map(({ values }) => Number(values['Backlinks']));
  expect(down).toEqual(down.toSorted((a, b) => b - a));
  await header.getByRole('link').click();
  await expect(header).toHaveAttribute('aria-sort', 'ascending');
  const up = (await rowsOf(page)).map(({ values }) => Number(values['Backlinks']));
  expect(up).toEqual(up.toSorted((a, b) => a - b));
});

test('the address has the whole state: back, forward, and another reader see the same', async ({
  page,
  context,
}) => {
  await page.goto(GITHUB);
  const first = await rowsOf(page);
  await page.getByRole('columnheader', { name: 'First seen' }).getByRole('link').click();
  await expect(page).toHaveURL(/order_by=first_seen/);
  const sorted = await rowsOf(page);
  expect(sorted).not.toEqual(first);
  await page.locator('#page-next').click();
  await expect(page).toHaveURL(/offset=50/);
  const second = await rowsOf(page);
  expect(second).not.toEqual(sorted);
  await expect(page).toHaveTitle(TITLE);

  const other = await context.newPage();
  await other.goto(page.url());
  expect(await rowsOf(other)).toEqual(second);

  await page.goBack();
  await expect(page).not.toHaveURL(/offset=50/);
  await expect.poll(() => rowsOf(page)).toEqual(sorted);
  await page.goBack();
  await expect.poll(() => rowsOf(page)).toEqual(first);
  await page.goForward();
  await expect.poll(() => rowsOf(page)).toEqual(sorted);
});

test('pages follow each other without a gap, and the control stays under the pointer', async ({
  page,
  request,
}) => {
  await page.goto(`${GITHUB}&limit=25`);
  const next = page.locator('#page-next');
  await next.scrollIntoViewIfNeeded();
  const seen = (await rowsOf(page)).length;
  const before = await next.boundingBox();
  await next.click();
  await expect(page).toHaveURL(/offset=25/);
  await expect(page.locator('#page')).not.toHaveAttribute('aria-busy');
  const after = await next.boundingBox();
  expect(Math.abs((after?.y ?? 0) - (before?.y ?? 0))).toBeLessThan(2);
  await expect(next).toBeFocused();
  const rows = await rowsOf(page);
  const both = await ask<Anchors>(request, {
    from: 'anchors',
    target: 'github.com',
    mode: 'subdomains',
    order_by: 'refdomains:desc,backlinks:desc',
    limit: '50',
  });
  expect(rows.map(({ values }) => values['Backlinks'])).toEqual(
    both.anchors.slice(seen, 50).map(({ backlinks }) => String(backlinks)),
  );
});

test('a text is searched in anchors', async ({ page }) => {
  await page.goto(GITHUB);
  await page.getByLabel('Anchor contains').fill('Source');
  await page.getByRole('button', { name: 'Search' }).click();
  await expect(page.locator('.chip')).toContainText('"source"');
  const rows = await rowsOf(page);
  expect(rows.length).toBeGreaterThan(0);
  for (const { label } of rows) expect(label.toLowerCase()).toContain('source');
});

test('filters are built by clicking, shown, and removed', async ({ page }) => {
  await page.goto(GITHUB);
  const all = await rowsOf(page);
  await page.getByText('Add a filter').click();
  const after = page.locator('form[data-filter-form]', { hasText: 'After grouping' });
  await after.getByLabel('Column').selectOption('refdomains');
  const value = after.getByLabel('Value');
  await expect(value).toHaveAttribute('type', 'number');
  const operators = after.getByLabel('Condition').locator('option:not([disabled])');
  await expect(operators.filter({ hasText: 'contains' })).toHaveCount(0);
  await after.getByLabel('Condition').selectOption('>=');
  await value.fill('2');
  await after.getByRole('button', { name: 'Add' }).click();
  await expect(page).toHaveURL(/having=/);
  await expect(page).not.toHaveURL(/add_/);
  await expect(page.locator('.chip-having')).toHaveCount(1);
  for (const { values } of await rowsOf(page)) {
    expect(Number(values['Referring domains'])).toBeGreaterThanOrEqual(2);
  }

  await page.getByText('Add a filter').click();
  const before = page.locator('form[data-filter-form]', { hasText: 'Before grouping' });
  await before.getByLabel('Column').selectOption('refdomain');
  await before.getByLabel('Condition').selectOption('<>');
  await before.getByLabel('Value').fill('sqlite.org');
  await before.getByRole('button', { name: 'Add' }).click();
  await expect(page.locator('.chip-where')).toHaveCount(1);
  await expect(page.locator('.chip-having')).toHaveCount(1);

  await page.locator('.chip-where .chip-remove').click();
  await expect(page.locator('.chip-where')).toHaveCount(0);
  await page.locator('.chip-having .chip-remove').click();
  await expect(page.locator('.chip')).toHaveCount(0);
  expect(await rowsOf(page)).toEqual(all);
});

test('only those filters are offered that a column takes', async ({ page }) => {
  await page.goto(GITHUB);
  await page.getByText('Add a filter').click();
  const form = page.locator('form[data-filter-form]', { hasText: 'Before grouping' });
  const operators = form.getByLabel('Condition').locator('option:not([disabled])');
  await form.getByLabel('Column').selectOption('anchor');
  await expect(operators).toHaveText(['contains', 'has the word', 'is', 'is not']);
  await form.getByLabel('Column').selectOption('kind');
  await expect(operators).toHaveText(['is', 'is not']);
  await expect(form.getByLabel('Value')).toHaveAttribute('title', /naked-url/);
  // An empty text is a value too.
  await form.getByLabel('Column').selectOption('anchor');
  await form.getByLabel('Condition').selectOption('<>');
  await form.getByRole('button', { name: 'Add' }).click();
  await expect(page.locator('.chip-where')).toContainText('Anchor is not empty');
});

test('behind the last row there is a way back', async ({ page }) => {
  await page.goto(`${GITHUB}&offset=1000000`);
  await expect(page.getByText(/There are only [\d,.]+ rows/)).toBeVisible();
  await page.getByRole('link', { name: 'Previous' }).click();
  await expect(page.locator('table.report')).toBeVisible();
});

test('filters are typed', async ({ page }) => {
  await page.goto(GITHUB);
  await page.getByText('Add a filter').click();
  await page.getByLabel(/Before grouping \(/).fill('word(anchor,"code")');
  await page.getByLabel(/After grouping \(/).fill('backlinks>=1,refdomains>=1');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page.locator('.chip-where')).toHaveCount(1);
  await expect(page.locator('.chip-having')).toHaveCount(2);
});

test('history is live, since a day, or all time', async ({ page }) => {
  await page.goto('/report?target=sphinx.pocoo.org&mode=domain');
  const backlinks = page.locator('.totals data').first();
  await expect(backlinks).toHaveAttribute('value', '1');
  await page.getByRole('link', { name: /all time/i }).click();
  await expect(backlinks).toHaveAttribute('value', '33');
  await page.getByLabel(/lost since/).fill('2025-01-01');
  await page.getByRole('button', { name: 'Show', exact: true }).click();
  await expect(page).toHaveURL(/history=since%3A2025-01-01/);
  await expect(backlinks).toHaveAttribute('value', '1');
});

test('from an anchor to its captures, and to the bytes of the archive', async ({ page }) => {
  await page.goto(GITHUB);
  const row = page.locator('table.report tbody tr').first();
  const backlinks = await row.locator('[data-label="Backlinks"] data').getAttribute('value');
  await row.getByRole('rowheader').getByRole('link').click();
  await expect(page).toHaveURL(/\/report\/refdomains/);
  const total = page.locator('.totals div', { hasText: /^Backlinks/ }).locator('data');
  await expect(total).toHaveAttribute('value', backlinks ?? '');
  await page.locator('table.report tbody th a').first().click();
  await expect(page).toHaveURL(/\/report\/backlinks/);
  await page.locator('table.report tbody th a').first().click();
  await expect(page).toHaveURL(/\/report\/link/);
  await expect(page.locator('#page')).toContainText(/\.warc\.gz/);
  await expect(page.locator('#page')).toContainText(/offset/i);
});

test('on paper there is what is read, and nothing to click', async ({ page }) => {
  await page.goto(GITHUB);
  await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
  await expect(page.locator('table.report')).toBeVisible();
  await expect(page.locator('.totals')).toBeVisible();
  for (const control of ['header.site nav', 'form.target', 'nav.pager', '#search']) {
    await expect(page.locator(control).first()).toBeHidden();
  }
  // The medium and the colours of the browser change one after the other.
  const ground = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await expect.poll(ground).toBe('rgb(255, 255, 255)');
});

test('a report can be asked for as a request, and copied', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(GITHUB);
  for (const language of ['URL', 'curl', 'Python', 'R', 'PHP', 'JavaScript']) {
    await page.locator('details.code > summary', { hasText: new RegExp(`^${language}$`) }).click();
    const shown = page.locator('details.code[open]');
    await expect(shown).toHaveCount(1);
    const code = await shown.locator('code').textContent();
    await shown.getByRole('button', { name: 'Copy' }).click();
    await expect(shown.getByRole('button', { name: 'Copied' })).toBeVisible();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(code);
  }
});

test('the request that is shown gives what the page shows', async ({ page, request }) => {
  await page.goto(`${GITHUB}&order_by=backlinks:desc&limit=25`);
  const shown = page.locator('details.code', { hasText: /^\s*URL/ });
  const answer = await request.get((await shown.locator('code').textContent()) ?? '');
  const { anchors } = (await answer.json()) as Anchors;
  const rows = await rowsOf(page);
  expect(rows.map(({ values }) => values['Backlinks'])).toEqual(
    anchors.map(({ backlinks }) => String(backlinks)),
  );
});
