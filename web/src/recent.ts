import { enhancement, enhanceOnce } from './enhance.ts';

const KEY = 'windlass.recent';
const KEPT_MAX = 8;

interface Target {
  label: string;
  href: string;
}

function isTarget(value: unknown): value is Target {
  if (typeof value !== 'object' || value === null) return false;
  const { label, href } = value as Partial<Record<keyof Target, unknown>>;
  return typeof label === 'string' && typeof href === 'string' && isHere(href);
}

/** What is stored may have been stored by anybody: only pages of this server are linked to. */
function isHere(href: string): boolean {
  return (
    URL.canParse(href, location.href) && new URL(href, location.href).origin === location.origin
  );
}

function read(): Target[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(stored) ? stored.filter(isTarget).slice(0, KEPT_MAX) : [];
  } catch {
    return [];
  }
}

function write(targets: Target[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(targets));
  } catch {
    // Storage may be full, or forbidden: then nothing is remembered.
  }
}

function remember(target: Target): void {
  const others = read().filter(({ href, label }) => href !== target.href && label !== target.label);
  write([target, ...others].slice(0, KEPT_MAX));
}

function show(section: HTMLElement): void {
  const list = section.querySelector('ul');
  const targets = read();
  list?.replaceChildren(
    ...targets.map(({ label, href }) => {
      const link = document.createElement('a');
      link.href = href;
      link.dir = 'auto';
      link.textContent = label;
      const item = document.createElement('li');
      item.append(link);
      return item;
    }),
  );
  section.hidden = !list || targets.length === 0;
}

enhancement((part) => {
  const reported = part.querySelector<HTMLElement>('[data-recent-label][data-recent-href]');
  const label = reported?.dataset['recentLabel'];
  const href = reported?.dataset['recentHref'];
  if (label && href && isHere(href)) remember({ label, href });
});

enhanceOnce<HTMLElement>('#recent', (section) => {
  show(section);
  section.querySelector('[data-recent-clear]')?.addEventListener('click', () => {
    write([]);
    show(section);
    document.querySelector<HTMLInputElement>('input[name="target"]')?.focus();
  });
});
