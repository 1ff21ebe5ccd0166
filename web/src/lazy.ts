import { enhance, enhanceOnce } from './enhance.ts';
import { FragmentError, fetchFragment } from './fragment.ts';

/** How far below the screen a part is loaded already. */
const NEAR = '600px 0px';

/** Marks a part that has come, so that it is not fetched again when the page around it changes. */
const LOADED = 'lazyLoaded';

const observer = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting || !(target instanceof HTMLElement)) continue;
      observer.unobserve(target);
      void load(target);
    }
  },
  { rootMargin: NEAR },
);

async function load(place: HTMLElement): Promise<void> {
  const url = place.dataset['lazy'];
  if (!url) return;
  place.setAttribute('aria-busy', 'true');
  try {
    const fragment = await fetchFragment(url);
    place.replaceChildren(fragment);
    place.dataset[LOADED] = '';
    enhance(place);
  } catch (error) {
    place.querySelector('.notice-error')?.remove();
    place.prepend(failure(place, error));
  } finally {
    place.removeAttribute('aria-busy');
  }
}

function failure(place: HTMLElement, error: unknown): HTMLElement {
  const notice = document.createElement('p');
  notice.className = 'notice notice-error';
  notice.setAttribute('role', 'alert');
  const id = error instanceof FragmentError ? error.requestId : null;
  const retry = document.createElement('a');
  retry.href = place.dataset['lazy'] ?? '';
  retry.textContent = 'Try again';
  retry.addEventListener('click', (event) => {
    event.preventDefault();
    retry.remove();
    void load(place);
  });
  notice.append(`This part could not be loaded${id ? ` (request ${id})` : ''}. `, retry);
  return notice;
}

enhanceOnce<HTMLElement>('[data-lazy]', (place) => observer.observe(place));

/**
 * Puts parts of the page that have come already into a new page that wants the same ones: charts do
 * not depend on how a table below them is sorted, and what is above a control must not change height.
 */
export function keepLoaded(page: ParentNode): void {
  const loaded = [...document.querySelectorAll<HTMLElement>('[data-lazy][data-lazy-loaded]')];
  for (const place of page.querySelectorAll<HTMLElement>('[data-lazy]')) {
    const kept = loaded.find(({ dataset }) => dataset['lazy'] === place.dataset['lazy']);
    if (!kept) continue;
    // The old page keeps its height: browsers note for "back" how far it is scrolled when it goes.
    const standIn = document.createElement('div');
    standIn.style.height = `${kept.offsetHeight}px`;
    kept.replaceWith(standIn);
    place.replaceWith(kept);
  }
}
