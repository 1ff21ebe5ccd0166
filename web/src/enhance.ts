/** Work on a part of the page that has just come. It may see the same element again. */
type Enhancement = (part: ParentNode) => void;

const enhancements: Enhancement[] = [];

/** Adds work to be done on the page, and on every part that is put into it later. */
export function enhancement(work: Enhancement): void {
  enhancements.push(work);
}

/** Does all work on a part of the page. One that fails leaves the page as the server wrote it. */
export function enhance(part: ParentNode): void {
  for (const work of enhancements) {
    try {
      work(part);
    } catch (error) {
      console.error(error);
    }
  }
}

/**
 * Work on each element that a selector finds, once for each element: for listeners, and for what
 * must not be done again.
 */
export function enhanceOnce<E extends HTMLElement>(
  selector: string,
  work: (element: E) => void,
): void {
  const done = new WeakSet<E>();
  enhancement((part) => {
    for (const element of part.querySelectorAll<E>(selector)) {
      if (done.has(element)) continue;
      done.add(element);
      work(element);
    }
  });
}
