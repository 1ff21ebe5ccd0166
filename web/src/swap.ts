import htmx from 'htmx.org';

import { enhance } from './enhance.ts';
import { keepLoaded } from './lazy.ts';
import { announce } from './live.ts';
import { begin, end } from './progress.ts';

/** The part of a page that is replaced. */
const PAGE = '#page';

/** While it is replaced, browsers keep no place of their own in it. */
const SWAPPING = 'is-swapping';

/** What the events of htmx tell of a request; of its many fields those that are used here. */
interface Context {
  request: { action: string; body?: FormData | null };
  response?: { headers: Headers };
  text?: string;
}

interface SwapTask {
  type: string;
  fragment: DocumentFragment;
}

/** Where the control was that asked for a page: it must not move under the finger. */
interface Place {
  samePage: boolean;
  id: string;
  top: number;
  scrolled: number;
}

let asked: Place | undefined;

// No request is needed for the style of indicators, and none of htmx' expressions is used: what would
// run them throws, as the policy for scripts would.
function refuse(): never {
  throw new Error('expressions in attributes are not used here');
}
htmx.registerExtension('no-expressions', {
  init: (internals: { initSecurity(policy: undefined, sync: unknown, async: unknown): void }) =>
    internals.initSecurity(undefined, refuse, refuse),
});

// A request that begins ends the one before, whichever control asked for it.
document.documentElement.setAttribute('hx-sync:inherited', 'body:replace');

/** Attributes, not properties: in a form these are hidden by fields with such names. */
function isSwapped(element: HTMLElement): boolean {
  const isHere = (element.getAttribute('target') ?? '_self') === '_self';
  return isHere && element.matches('[data-swap]') && document.querySelector(PAGE) !== null;
}

function ask(control: HTMLElement, path: string, event: Event): void {
  event.preventDefault();
  const submitter = event instanceof SubmitEvent ? event.submitter : null;
  const { id } = submitter?.id ? submitter : control;
  const top = control.getBoundingClientRect().top;
  // On another page reading begins at the top.
  const samePage = new URL(path, location.href).pathname === location.pathname;
  asked = { samePage, id, top, scrolled: scrollY };
  void htmx.ajax('GET', path, {
    source: control,
    event,
    target: PAGE,
    select: PAGE,
    swap: 'outerHTML',
    push: 'true',
  });
}

document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (!link || link.origin !== location.origin) return;
  if (isSwapped(link)) ask(link, link.pathname + link.search + link.hash, event);
});

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (event.defaultPrevented || !(form instanceof HTMLFormElement)) return;
  if ((form.getAttribute('method') ?? 'get').toLowerCase() !== 'get' || !isSwapped(form)) return;
  const address = new URL(form.getAttribute('action') ?? '', location.href);
  // The fields are the whole query, as when a browser sends the form.
  if (address.origin === location.origin) ask(form, address.pathname, event);
});

function contextOf(event: Event): Context | undefined {
  return event instanceof CustomEvent ? (event.detail as { ctx?: Context }).ctx : undefined;
}

// Empty fields say nothing, and addresses are there to be shared.
document.addEventListener('htmx:config:request', (event) => {
  const body = contextOf(event)?.request.body;
  if (!body) return;
  for (const [name, value] of [...body]) if (value === '') body.delete(name);
});

document.addEventListener('htmx:before:request', () => begin(document.querySelector(PAGE)));
document.addEventListener('htmx:finally:request', () => end(document.querySelector(PAGE)));

document.addEventListener('htmx:before:swap', (event) => {
  const detail = (event as CustomEvent<{ ctx: Context; tasks: SwapTask[] }>).detail;
  const main = detail.tasks.find(({ type }) => type === 'main');
  if (!main?.fragment.querySelector(PAGE)) {
    // Not a page of this kind: the browser shows it as what it is.
    event.preventDefault();
    location.assign(detail.ctx.request.action);
    return;
  }
  // What moves from the old page to the new one is no reason to scroll.
  document.documentElement.classList.add(SWAPPING);
  keepLoaded(main.fragment);
});

document.addEventListener('htmx:after:swap', () => {
  enhance(document);
  const page = document.querySelector<HTMLElement>(PAGE);
  if (asked && page) settle(page, asked);
  asked = undefined;
  requestAnimationFrame(() => {
    requestAnimationFrame(() => document.documentElement.classList.remove(SWAPPING));
  });
  // The title comes after this event.
  setTimeout(() => announce(resultOf(page)));
});

/** Brings the control, or what stands in its place, to where it was. */
function settle(page: HTMLElement, { samePage, id, top, scrolled }: Place): void {
  if (!samePage) {
    scrollTo({ top: 0, behavior: 'instant' });
    focus(page);
    return;
  }
  const control = id ? document.getElementById(id) : null;
  if (control) {
    const moved = control.getBoundingClientRect().top - top;
    scrollBy({ top: moved, behavior: 'instant' });
  } else {
    scrollTo({ top: scrolled, behavior: 'instant' });
  }
  if (document.activeElement === document.body) focus(control ?? page);
}

function focus(element: HTMLElement): void {
  if (element.matches(PAGE)) element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

function resultOf(page: HTMLElement | null): string {
  const said = page?.querySelector('[data-announce]') ?? page?.querySelector('.notice, caption');
  const text = said?.textContent.trim().replaceAll(/\s+/g, ' ');
  return text ? text : document.title;
}

document.addEventListener('htmx:error', (event) => {
  const page = document.querySelector(PAGE);
  const action = contextOf(event)?.request.action;
  if (!page || !action) return;
  page.querySelector('#unanswered')?.remove();
  const notice = document.createElement('p');
  notice.id = 'unanswered';
  notice.className = 'notice notice-error';
  notice.setAttribute('role', 'alert');
  const again = document.createElement('a');
  again.href = action;
  again.textContent = 'Try again';
  notice.append('The server did not answer. ', again);
  page.prepend(notice);
  notice.scrollIntoView({ block: 'nearest' });
});
