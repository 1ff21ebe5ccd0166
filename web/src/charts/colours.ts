/** Colours of a picture, as the style sheets have them now. */
export interface Colours {
  text: string;
  muted: string;
  grid: string;
  surface: string;
  series(name: string, index: number): string;
  slice(index: number): string;
  /** Of what is left over. */
  rest: string;
}

/** How many colours there are for slices that have no meaning of their own. */
const SLICES = 12;

/**
 * Reads them through an element: a custom property alone is text, in which `light-dark()` is not yet
 * decided.
 */
export function readColours(beside: HTMLElement): Colours {
  const probe = document.createElement('span');
  probe.hidden = true;
  beside.append(probe);
  const read = (...names: string[]): string => {
    const value = names.reduceRight((rest, name) => `var(${name}${rest && `, ${rest}`})`, '');
    probe.style.color = value;
    return getComputedStyle(probe).color;
  };
  const slices = Array.from({ length: SLICES }, (_, index) => read(`--chart-${index + 1}`));
  const named = new Map<string, string>();
  const colours: Colours = {
    text: read('--text'),
    muted: read('--text-muted'),
    grid: read('--line'),
    surface: read('--surface'),
    rest: read('--chart-rest'),
    slice: (index) => slices[index % SLICES] ?? '',
    series(name, index) {
      const known = named.get(name);
      if (known) return known;
      beside.append(probe);
      const found = /^[a-z_-]+$/.test(name)
        ? read(`--series-${name}`, `--chart-${(index % SLICES) + 1}`)
        : colours.slice(index);
      probe.remove();
      named.set(name, found);
      return found;
    },
  };
  probe.remove();
  return colours;
}
