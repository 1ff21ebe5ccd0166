import type { ChartConfiguration, ChartDataset, ChartOptions } from 'chart.js';

import { formatNumber } from '../locale.ts';
import type { Colours } from './colours.ts';
import { shorten } from './label.ts';
import type { Content, Kind, Series } from './table.ts';

const LABEL_CHARACTERS_MAX = 40;
const LABEL_CHARACTERS_MIN = 10;
/** The part of a picture's width that labels beside bars may take, and the width of one character. */
const LABEL_PART = 0.4;
const CHARACTER_PX = 7;
const TITLE_CHARACTERS_MAX = 60;
const LINE_CHARACTERS_MAX = 48;

/** A series of this name is drawn below the line: what is lost, under what is new. */
const BELOW = 'lost';

/** How long a label may be that stands beside what is drawn. */
function charactersBeside(width: number): number {
  const characters = Math.floor((width * LABEL_PART) / CHARACTER_PX);
  return Math.min(LABEL_CHARACTERS_MAX, Math.max(LABEL_CHARACTERS_MIN, characters));
}

type BarOptions = ChartOptions<'bar'>;

/** What Chart.js draws for a picture of this kind. */
export function configure(
  kind: Kind,
  content: Content,
  colours: Colours,
  width: number,
): ChartConfiguration {
  const labels = content.rows.map(({ label }) => shorten(label, charactersBeside(width)));
  const chart: ChartConfiguration<'bar'> = {
    type: 'bar',
    data: {
      labels,
      datasets: drawnSeries(kind, content).map((_, i) => bars(kind, content, colours, i)),
    },
    options: kind === 'bar' ? lying(content, colours) : standing(content, colours),
  };
  return chart as ChartConfiguration;
}

/**
 * Of what is counted in different units one is drawn, the first, for beside links domains would not be seen;
 * all are named when one points at a bar.
 */
function drawnSeries(kind: Kind, content: Content): Series[] {
  return kind === 'stacked' ? content.series : content.series.slice(0, 1);
}

function bars(kind: Kind, content: Content, colours: Colours, index: number): ChartDataset<'bar'> {
  const series = content.series[index];
  const colour = colours.series(series?.name ?? '', index);
  const sign = kind === 'stacked' && series?.name === BELOW ? -1 : 1;
  return {
    label: series?.label ?? '',
    // Nothing is no bar, not one of the least length.
    data: content.rows.map(({ cells }) => sign * (cells[index]?.value ?? 0) || null),
    // What leads nowhere, where others lead somewhere, is the rest of all; in time there is no rest.
    backgroundColor:
      kind === 'stacked' || content.rows.every((row) => !row.link)
        ? colour
        : content.rows.map(({ link }) => (link ? colour : colours.rest)),
    borderRadius: 2,
    maxBarThickness: kind === 'bar' ? 18 : 40,
    // What there is one of must be seen beside what there are thousands of.
    minBarLength: 2,
  };
}

function common(kind: Kind, content: Content, colours: Colours): ChartOptions {
  return {
    responsive: true,
    maintainAspectRatio: false,
    // Nothing here is better for moving.
    animation: false,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12 },
    color: colours.text,
    plugins: {
      tooltip: {
        backgroundColor: colours.text,
        titleColor: colours.surface,
        bodyColor: colours.surface,
        footerColor: colours.surface,
        footerFont: { weight: 'normal' },
        displayColors: drawnSeries(kind, content).length > 1,
        boxPadding: 4,
        callbacks: {
          title: ([item]) => {
            const label = content.rows[item?.dataIndex ?? -1]?.label;
            return label === undefined ? '' : shorten(label, TITLE_CHARACTERS_MAX);
          },
          label: ({ datasetIndex, dataIndex }) => {
            const cells = content.rows[dataIndex]?.cells ?? [];
            const say = (index: number): string =>
              `${content.series[index]?.label ?? ''}: ${formatNumber(cells[index]?.value ?? 0)}`;
            if (drawnSeries(kind, content).length > 1) return ` ${say(datasetIndex)}`;
            return content.series.map((_, index) => say(index));
          },
          footer: ([item]) => lines(content.rows[item?.dataIndex ?? -1]?.hint ?? ''),
        },
      },
    },
  };
}

/** A text in lines that fit into what is shown at a pointer. */
function lines(text: string): string[] {
  const found: string[] = [];
  for (const word of text.split(' ')) {
    const line = found.at(-1);
    if (line !== undefined && line.length + word.length < LINE_CHARACTERS_MAX) {
      found[found.length - 1] = `${line} ${word}`;
    } else if (word) {
      found.push(word);
    }
  }
  return found;
}

function legend(shown: boolean, colours: Colours) {
  return {
    display: shown,
    position: 'bottom' as const,
    align: 'start' as const,
    labels: { color: colours.text, boxWidth: 12, boxHeight: 12, padding: 8 },
    onClick: () => undefined,
  };
}

const numberAxis = (colours: Colours, unit: string) => ({
  beginAtZero: true,
  border: { display: false },
  grid: { color: colours.grid },
  title: { display: unit !== '', text: unit, color: colours.muted },
  ticks: {
    color: colours.muted,
    precision: 0,
    maxTicksLimit: 6,
    callback: (value: string | number) => formatNumber(Math.abs(Number(value))),
  },
});

const labelAxis = (colours: Colours, color: string) => ({
  border: { color: colours.grid },
  grid: { display: false },
  ticks: { color, maxRotation: 60, autoSkipPadding: 8 },
});

function lying(content: Content, colours: Colours): BarOptions {
  const { plugins, ...rest } = common('bar', content, colours) as BarOptions;
  const labels = labelAxis(colours, colours.text);
  return {
    ...rest,
    indexAxis: 'y',
    interaction: { mode: 'index', axis: 'y', intersect: false },
    plugins: { ...plugins, legend: legend(false, colours) },
    scales: {
      x: { ...numberAxis(colours, content.series[0]?.label ?? ''), position: 'top' },
      y: {
        ...labels,
        ticks: {
          ...labels.ticks,
          autoSkip: false,
          callback(value) {
            const label = content.rows[Number(value)]?.label ?? '';
            return shorten(label, charactersBeside(this.chart.width));
          },
        },
      },
    },
  };
}

function standing(content: Content, colours: Colours): BarOptions {
  const kind = 'stacked';
  const { plugins, ...rest } = common(kind, content, colours) as BarOptions;
  return {
    ...rest,
    interaction: { mode: 'index', axis: 'x', intersect: false },
    plugins: { ...plugins, legend: legend(drawnSeries(kind, content).length > 1, colours) },
    scales: {
      x: { ...labelAxis(colours, colours.muted), stacked: true },
      y: { ...numberAxis(colours, ''), stacked: true },
    },
  };
}
