import { enhanceOnce } from '../enhance.ts';
import { isKind, readTable } from './table.ts';

let count = 0;

/** Gives an element an id, where it has none, so that others can name it. */
function idOf(element: Element): string {
  count += 1;
  element.id ||= `chart-${count}`;
  return element.id;
}

/** Draws the numbers of a figure's table. The table stays, folded up; without a picture, open. */
enhanceOnce<HTMLElement>('figure[data-chart]', (figure) => {
  const kind = figure.dataset['chart'] ?? '';
  const picture = figure.querySelector<HTMLElement>('.chart-picture');
  const numbers = figure.querySelector<HTMLDetailsElement>('details.chart-numbers');
  const table = numbers?.querySelector('table');
  if (!picture || !numbers || !table || !isKind(kind)) return;
  const content = readTable(table);
  if (content.rows.length === 0 || content.series.length === 0) return;

  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  const caption = figure.querySelector('figcaption');
  if (caption) canvas.setAttribute('aria-labelledby', idOf(caption));
  const hint = document.createElement('span');
  hint.className = 'visually-hidden';
  hint.textContent = 'The numbers are in the table below.';
  canvas.setAttribute('aria-describedby', idOf(hint));

  // Room is made at once, and the library comes later, or nothing below would stay where it is.
  picture.dataset['kind'] = kind;
  picture.style.setProperty('--rows', String(content.rows.length));
  picture.replaceChildren(canvas);
  picture.after(hint);
  picture.hidden = false;
  numbers.open = false;
  import('./draw.ts')
    .then(({ draw }) => draw(canvas, kind, content))
    .catch((error: unknown) => {
      console.error(error);
      picture.hidden = true;
      hint.remove();
      numbers.open = true;
    });
});
