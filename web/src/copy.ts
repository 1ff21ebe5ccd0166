import { enhanceOnce } from './enhance.ts';
import { announce } from './live.ts';

/** How long a button says what it did. */
const SAYS_MS = 2000;

function select(element: Element): void {
  const selection = getSelection();
  selection?.selectAllChildren(element);
}

enhanceOnce<HTMLButtonElement>('button[data-copy]', (button) => {
  const label = button.textContent;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (text: string): void => {
    button.textContent = text;
    announce(text);
    clearTimeout(timer);
    timer = setTimeout(() => (button.textContent = label), SAYS_MS);
  };
  button.addEventListener('click', () => {
    const source = document.querySelector(button.dataset['copy'] ?? '');
    if (!source) return;
    // Only what browsers hold to be secure has a clipboard: `https`, and this machine.
    const written = navigator.clipboard?.writeText(source.textContent) ?? Promise.reject();
    written.then(
      () => say('Copied'),
      () => {
        select(source);
        say('Selected: copy with the keyboard');
      },
    );
  });
  button.hidden = false;
});
