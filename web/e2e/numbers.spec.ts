import { type AnchorRow, type Anchors, ask } from './api.ts';
import { expect, test } from './test.ts';
import { rowsOf } from './table.ts';

const CASES: Record<string, string>[] = [
  { target: 'github.com', mode: 'subdomains' },
  { target: 'wikipedia.org', mode: 'subdomains', order_by: 'backlinks:desc', limit: '25' },
  { target: 'w3.org', mode: 'subdomains', history: 'all_time', limit: '10', offset: '2' },
  { target: 'github.com', mode: 'domain', where: 'substring(anchor,"code")' },
  { target: 'github.com', mode: 'subdomains', having: 'backlinks>=2,refdomains<10' },
  { target: 'sphinx.pocoo.org', mode: 'domain', history: 'since:2022-01-01' },
];

const COLUMNS: [keyof AnchorRow, string][] = [
  ['backlinks', 'Backlinks'],
  ['refpages', 'Referring pages'],
  ['refdomains', 'Referring domains'],
  ['first_seen', 'First seen'],
  ['last_visited', 'Last visited'],
];

for (const state of CASES) {
  test(`the report of ${new URLSearchParams(state)} has the numbers of the API`, async ({
    page,
    request,
  }) => {
    await page.goto(`/report?${new URLSearchParams(state)}`);
    const asked = { order_by: 'refdomains:desc', limit: '50', ...state, from: 'anchors' };
    const answer = await ask<Anchors>(request, asked);
    expect(answer.anchors.length).toBeGreaterThan(0);

    const rows = await rowsOf(page);
    expect(rows.length).toBe(answer.anchors.length);
    for (const [index, expected] of answer.anchors.entries()) {
      const shown = rows[index];
      for (const [column, name] of COLUMNS) {
        expect(shown?.values[name], `row ${index}, ${column}`).toBe(String(expected[column]));
      }
      const text = new Intl.NumberFormat('en-GB').format(expected.backlinks);
      expect(shown?.texts['Backlinks']).toBe(text);
    }

    const total = page
      .locator('.totals div', { hasText: /^Backlinks/ })
      .locator('data')
      .first();
    await expect(total).toHaveAttribute('value', String(answer.stats.backlinks));
    const pages = page.locator('.totals div', { hasText: /^Referring pages/ }).locator('data');
    await expect(pages.first()).toHaveAttribute('value', String(answer.stats.refpages));
  });
}
