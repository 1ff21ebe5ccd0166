import type { Page } from '@playwright/test';

/** A row of a report: the text that it is of, and the number in each column that has one. */
export interface ShownRow {
  label: string;
  values: Record<string, string>;
  texts: Record<string, string>;
}

/** What a table shows: numbers and moments as scripts would read them, and as readers do. */
export function rowsOf(page: Page): Promise<ShownRow[]> {
  return page.locator('table.report tbody tr').evaluateAll((rows) =>
    rows.map((row) => {
      const values: Record<string, string> = {};
      const texts: Record<string, string> = {};
      for (const cell of row.querySelectorAll<HTMLElement>('td[data-label]')) {
        const name = cell.dataset['label'] ?? '';
        const exact = cell.querySelector<HTMLElement>('data[value], time[datetime]');
        values[name] = exact?.getAttribute('value') ?? exact?.getAttribute('datetime') ?? '';
        texts[name] = exact?.textContent ?? '';
      }
      const label = row.querySelector('th')?.textContent.trim() ?? '';
      return { label, values, texts };
    }),
  );
}
