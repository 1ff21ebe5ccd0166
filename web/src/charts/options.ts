import type { ChartConfiguration, ChartDataset, ChartOptions, LegendItem } from 'chart.js';

import { formatNumber } from '../locale.ts';
import type { Colours } from './colours.ts';
import { shorten } from './label.ts';
import { follow } from './links.ts';
import type { Content, Kind } from './table.ts';

const LABEL_CHARACTERS_MAX = 40;
const LABEL_CHARACTERS_MIN = 10;
/** The part of a picture's width that labels beside bars may take, and the width of one character. */
const LABEL_PART = 0.4;
const CHARACTER_PX = 7;
/** From this width on, the names of slices stand beside the ring. */
const BESIDE_PX = 380;
const TITLE_CHARACTERS_MAX = 80;

/** A series of this name is drawn below the line: what is lost, under what is new. */
const BELOW = 'lost';

type BarOptions = ChartOptions<'bar'>;
type DoughnutOptions = ChartOptions<'doughnut'>;

/** What Chart.js draws for a picture of this kind. */
export function configure(
  kind: Kind,
  content: Content,
  colours: Colours,
  width: number,
): ChartConfiguration {
  const labels = content.rows.map(({ label }) => shorten(label, LABEL_CHARACTERS_MAX));
  if (kind === 'doughnut') {
    const ring: ChartConfiguration<'doughnut'> = {
      type: 'doughnut',
      data: { labels, datasets: [slices(content, colours)] },
      options: doughnut(content, colours, width),
    };
    return ring as ChartConfiguration;
  }
  const chart: ChartConfiguration<'bar'> = {
    type: 'bar',
    data: { labels, datasets: content.series.map((_, i) => bars(kind, content, colours, i)) },
    options: kind === 'bar' ? lying(content, colours) : standing(kind, content, colours),
  };
  return chart as ChartConfiguration;
}

function bars(kind: Kind, content: Content, colours: Colours, index: number): ChartDataset<'bar'> {
  const series = content.series[index];
  const sign = kind === 'stacked' && series?.name === BELOW ? -1 : 1;
  return {
    label: series?.label ?? '',
    data: content.rows.map(({ cells }) => sign * (cells[index]?.value ?? 0)),
    backgroundColor: colours.series(series?.name ?? '', index),
    borderRadius: 2,
    maxBarThickness: kind === 'bar' ? 18 : 40,
    // What there is one of must be seen beside what there are thousands of.
    minBarLength: 2,
  };
}

function slices(content: Content, colours: Colours): ChartDataset<'doughnut'> {
  return {
    data: content.rows.map(({ cells }) => cells[0]?.value ?? 0),
    backgroundColor: content.rows.map((_, index) => colours.slice(index)),
    borderColor: colours.surface,
    borderWidth: 2,
  };
}

function common(content: Content, colours: Colours): ChartOptions {
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
        displayColors: content.series.length > 1,
        boxPadding: 4,
        callbacks: {
          title: ([item]) => {
            const label = content.rows[item?.dataIndex ?? -1]?.label;
            return label === undefined ? '' : shorten(label, TITLE_CHARACTERS_MAX);
          },
          label: ({ datasetIndex, dataIndex }) => {
            const value = content.rows[dataIndex]?.cells[datasetIndex]?.value ?? 0;
            return ` ${content.series[datasetIndex]?.label ?? ''}: ${formatNumber(value)}`;
          },
        },
      },
    },
  };
}

function legend(shown: boolean, colours: Colours) {
  return {
    display: shown,
    position: 'bottom' as const,
    align: 'start' as const,
    labels: { color: colours.text, boxWidth: 12, boxHeight: 12 },
    onClick: () => undefined,
  };
}

const numberAxis = (colours: Colours) => ({
  beginAtZero: true,
  border: { display: false },
  grid: { color: colours.grid },
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
  const { plugins, ...rest } = common(content, colours) as BarOptions;
  const labels = labelAxis(colours, colours.text);
  return {
    ...rest,
    indexAxis: 'y',
    interaction: { mode: 'index', axis: 'y', intersect: false },
    plugins: { ...plugins, legend: legend(content.series.length > 1, colours) },
    scales: {
      x: { ...numberAxis(colours), position: 'top' },
      y: {
        ...labels,
        ticks: {
          ...labels.ticks,
          autoSkip: false,
          callback(value) {
            const characters = Math.floor((this.chart.width * LABEL_PART) / CHARACTER_PX);
            const max = Math.min(LABEL_CHARACTERS_MAX, Math.max(LABEL_CHARACTERS_MIN, characters));
            return shorten(content.rows[Number(value)]?.label ?? '', max);
          },
        },
      },
    },
  };
}

function standing(kind: Kind, content: Content, colours: Colours): BarOptions {
  const { plugins, ...rest } = common(content, colours) as BarOptions;
  const stacked = kind === 'stacked';
  return {
    ...rest,
    interaction: { mode: 'index', axis: 'x', intersect: false },
    plugins: { ...plugins, legend: legend(content.series.length > 1, colours) },
    scales: {
      x: { ...labelAxis(colours, colours.muted), stacked },
      y: { ...numberAxis(colours), stacked },
    },
  };
}

function doughnut(content: Content, colours: Colours, width: number): DoughnutOptions {
  const { plugins, ...rest } = common(content, colours) as DoughnutOptions;
  return {
    ...rest,
    cutout: '58%',
    plugins: {
      ...plugins,
      legend: {
        ...legend(true, colours),
        ...(width >= BESIDE_PX ? { position: 'right', align: 'center' } : {}),
        onClick: (event, { index }: LegendItem) => {
          const link = content.rows[index ?? -1]?.link;
          if (link) follow(link, event.native);
        },
      },
    },
  };
}
