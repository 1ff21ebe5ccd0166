/** Colours of a picture, as the style sheets have them now. */
export interface Colours {
  text: string;
  muted: string;
  grid: string;
  surface: string;
  series(name: string, index: number): string;
  /** Of what is left over. */
  rest: string;
}

/** How many colours there are for series that have none of their own. */
const SERIES = 12;

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
  const others = Array.from({ length: SERIES }, (_, index) => read(`--chart-${index + 1}`));
  const named = new Map<string, string>();
  const colours: Colours = {
    text: read('--text'),
    muted: read('--text-muted'),
    grid: read('--line'),
    surface: read('--surface'),
    rest: read('--chart-rest'),
    series(name, index) {
      const known = named.get(name);
      if (known) return known;
      beside.append(probe);
      const found = /^[a-z_-]+$/.test(name)
        ? read(`--series-${name}`, `--chart-${(index % SERIES) + 1}`)
        : (others[index % SERIES] ?? '');
      probe.remove();
      named.set(name, found);
      return found;
    },
  };
  probe.remove();
  return colours;
}
