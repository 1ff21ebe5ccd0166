import { enhancement } from './enhance.ts';

const NUMBERS = new Intl.NumberFormat();
// Days are days of UTC, as in filters and in the API: a reader west of it must not see the day before.
const DAYS = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeZone: 'UTC' });
const MOMENTS = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'medium',
  timeZone: 'UTC',
});

/** A number as the reader writes it. */
export function formatNumber(value: number): string {
  return NUMBERS.format(value);
}

/** Digits and what stands between them: other texts, such as `1.2 MB`, stay. */
const PLAIN_NUMBER = /^[\d\s.,'’-]+$/u;

function writeNumber(element: HTMLDataElement): void {
  const value = Number(element.value);
  if (element.value === '' || !Number.isFinite(value)) return;
  if (PLAIN_NUMBER.test(element.textContent)) element.textContent = formatNumber(value);
}

function writeTime(element: HTMLTimeElement): void {
  const moment = new Date(element.dateTime);
  if (Number.isNaN(moment.getTime())) return;
  const exact = `${moment.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  if (!element.title) element.title = exact;
  const hasTime = element.dataset['precision'] === 'second' || element.textContent.includes(':');
  if (hasTime) element.dataset['precision'] = 'second';
  element.textContent = (hasTime ? MOMENTS : DAYS).format(moment);
}

enhancement((part) => {
  for (const element of part.querySelectorAll<HTMLDataElement>('data[value]')) writeNumber(element);
  for (const element of part.querySelectorAll<HTMLTimeElement>('time[datetime]'))
    writeTime(element);
});
