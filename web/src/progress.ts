const WAITING = 'is-waiting';

let running = 0;

/** Says that a part of the page is being fetched: to assistive technology, and by a thin bar. */
export function begin(part: Element | null): void {
  running += 1;
  part?.setAttribute('aria-busy', 'true');
  document.documentElement.classList.add(WAITING);
}

/** Says that it has come, or failed, or was given up for another one. */
export function end(part: Element | null): void {
  running -= 1;
  if (running > 0) return;
  part?.removeAttribute('aria-busy');
  document.documentElement.classList.remove(WAITING);
}
