import {
  BarController,
  BarElement,
  CategoryScale,
  Chart,
  Legend,
  LinearScale,
  Tooltip,
} from 'chart.js';

import { readColours } from './colours.ts';
import { clickedLink, follow } from './links.ts';
import { configure } from './options.ts';
import type { Content, Kind } from './table.ts';

Chart.register(BarController, BarElement, CategoryScale, Legend, LinearScale, Tooltip);

interface Drawn {
  chart: Chart;
  canvas: HTMLCanvasElement;
  kind: Kind;
  content: Content;
}

const drawn = new Set<Drawn>();

/** Draws a picture, and again whenever the colours around it change. */
export function draw(canvas: HTMLCanvasElement, kind: Kind, content: Content): void {
  forget();
  const chart = new Chart(canvas, {
    ...configured(canvas, kind, content),
    plugins: [
      {
        id: 'links',
        afterEvent(ofChart, { event }) {
          const link = clickedLink(ofChart, event, kind, content);
          if (event.type === 'click' && link) follow(link, event.native);
          else if (event.type === 'mousemove') canvas.style.cursor = link ? 'pointer' : '';
        },
      },
    ],
  });
  drawn.add({ chart, canvas, kind, content });
}

function configured(canvas: HTMLCanvasElement, kind: Kind, content: Content) {
  const around = canvas.parentElement ?? document.body;
  return configure(kind, content, readColours(around), around.clientWidth);
}

/** Pictures that have gone with the page around them. */
function forget(): void {
  for (const one of drawn) {
    if (one.canvas.isConnected) continue;
    one.chart.destroy();
    drawn.delete(one);
  }
}

function redraw(): void {
  forget();
  for (const one of drawn) redrawOne(one);
}

function redrawOne({ chart, canvas, kind, content }: Drawn): void {
  const { data, options } = configured(canvas, kind, content);
  chart.data = data;
  chart.options = options ?? {};
  chart.resize();
  chart.update('none');
}

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);

// Paper is white, and the styles for it are not in force yet when a picture must be ready for it.
addEventListener('beforeprint', () => {
  document.documentElement.dataset['print'] = '';
  redraw();
});
addEventListener('afterprint', () => {
  delete document.documentElement.dataset['print'];
  redraw();
});
