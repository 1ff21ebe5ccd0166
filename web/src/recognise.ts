import { enhanceOnce } from './enhance.ts';
import { fetchFragment, isAbort } from './fragment.ts';

/** How long a reader pauses before what was typed is asked about. */
const PAUSE_MS = 180;

function modes(form: HTMLFormElement | null): HTMLInputElement[] {
  return [...(form?.querySelectorAll<HTMLInputElement>('input[name="mode"]') ?? [])];
}

/** Says what a target is recognised as, while it is typed, and chooses the mode that fits it. */
enhanceOnce<HTMLInputElement>('input[data-recognise]', (input) => {
  const place = document.getElementById(input.getAttribute('aria-describedby') ?? '');
  const address = input.dataset['recognise'];
  if (!place || !address) return;

  let isChosenByHand = false;
  let asked: AbortController | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const chooseDefault = (): void => {
    if (isChosenByHand) return;
    const wanted = place.querySelector<HTMLElement>('[data-default-mode]')?.dataset['defaultMode'];
    const mode = modes(input.form).find(({ value }) => value === wanted);
    if (mode) mode.checked = true;
  };

  const ask = async (): Promise<void> => {
    asked?.abort();
    const target = input.value.trim();
    if (target === '') {
      place.replaceChildren();
      return;
    }
    asked = new AbortController();
    const { signal } = asked;
    const url = new URL(address, location.href);
    url.searchParams.set('target', target);
    const mode = modes(input.form).find(({ checked }) => checked);
    if (mode && isChosenByHand) url.searchParams.set('mode', mode.value);
    try {
      const fragment = await fetchFragment(url.href, signal);
      place.replaceChildren(fragment);
      chooseDefault();
    } catch (error) {
      // The form says what is wrong when it is sent; here nothing is better than what is old.
      if (!isAbort(error)) place.replaceChildren();
    }
  };

  const askSoon = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void ask(), PAUSE_MS);
  };
  input.addEventListener('input', askSoon);
  for (const mode of modes(input.form)) {
    mode.addEventListener('change', () => {
      isChosenByHand = true;
      askSoon();
    });
  }
  // A browser may bring back what was typed before the page was left.
  if (input.value !== input.defaultValue) askSoon();
});
