import type { Chart, ChartEvent } from 'chart.js';

import type { Content, Kind } from './table.ts';

/** The link of what is under the pointer: of the number, else of its row. */
export function clickedLink(
  chart: Chart,
  event: ChartEvent,
  kind: Kind,
  content: Content,
): HTMLAnchorElement | null {
  if (!event.native || event.x === null || event.y === null) return null;
  const [hit] = chart.getElementsAtEventForMode(
    event.native,
    'nearest',
    { intersect: true },
    false,
  );
  const row = content.rows[hit?.index ?? rowBeside(chart, event, kind)];
  if (!row) return null;
  return (hit && row.cells[hit.datasetIndex]?.link) ?? row.link;
}

/** The row beside whose bar, or on whose label, the pointer is: short bars are hard to hit. */
function rowBeside(chart: Chart, { x, y }: ChartEvent, kind: Kind): number {
  const { chartArea, scales } = chart;
  if (x === null || y === null) return -1;
  if (kind === 'bar') {
    const isBeside = y >= chartArea.top && y <= chartArea.bottom;
    return isBeside ? (scales['y']?.getValueForPixel(y) ?? -1) : -1;
  }
  const isBelow = x >= chartArea.left && x <= chartArea.right && y >= chartArea.top;
  return isBelow ? (scales['x']?.getValueForPixel(x) ?? -1) : -1;
}

/** Follows a link as if it had been clicked itself, with the keys that were held. */
export function follow(link: HTMLAnchorElement, by: Event | null): void {
  const keys =
    by instanceof MouseEvent
      ? { ctrlKey: by.ctrlKey, metaKey: by.metaKey, shiftKey: by.shiftKey, altKey: by.altKey }
      : {};
  link.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true, ...keys }));
}
