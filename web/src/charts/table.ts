/** The kinds of pictures. */
export const KINDS = ['bar', 'stacked'] as const;

/** A kind of picture. */
export type Kind = (typeof KINDS)[number];

/** A column of numbers. */
export interface Series {
  /** Names its colour. */
  name: string;
  label: string;
}

/** A number, and the page that explains it. */
export interface Cell {
  value: number;
  link: HTMLAnchorElement | null;
}

/** A category and its numbers, one for each series. */
export interface Row {
  label: string;
  /** What the category means, where that is not plain. */
  hint: string;
  link: HTMLAnchorElement | null;
  cells: Cell[];
}

/** What a picture shows. */
export interface Content {
  series: Series[];
  rows: Row[];
}

/** Whether there are pictures of this kind. */
export function isKind(text: string): text is Kind {
  return (KINDS as readonly string[]).includes(text);
}

/** Reads a table: the first column has the categories, the others, named by `data-series`, numbers. */
export function readTable(table: HTMLTableElement): Content {
  const heads = [...table.querySelectorAll<HTMLTableCellElement>('thead th')];
  const columns = heads.flatMap((head, index) => {
    const name = head.dataset['series'];
    return name ? [{ index, series: { name, label: text(head) } }] : [];
  });
  const rows = [...table.tBodies]
    .flatMap((body) => [...body.rows])
    .map((row) => ({
      label: text(row.cells[0]),
      hint: row.cells[0]?.title ?? '',
      link: row.cells[0]?.querySelector('a') ?? null,
      cells: columns.map(({ index }) => cell(row.cells[index])),
    }));
  return { series: columns.map(({ series }) => series), rows };
}

function cell(element: HTMLTableCellElement | undefined): Cell {
  const written = element?.querySelector('data')?.value ?? text(element);
  const value = Number(written);
  return {
    value: written !== '' && Number.isFinite(value) ? value : 0,
    link: element?.querySelector('a') ?? null,
  };
}

function text(element: Element | undefined): string {
  return (element?.textContent ?? '').trim().replaceAll(/\s+/g, ' ');
}
