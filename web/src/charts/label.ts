const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** What changes the direction of text around it, and what cannot be seen. */
const UNSEEN = /[\p{Cc}\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/gu;

/** No label is looked at further than this: an anchor may have 64 KiB. */
const LOOKED_AT_MAX = 1024;

/**
 * A text that fits beside a picture, of at most so many characters as readers count them.
 *
 * It stands alone in its direction (U+2068, U+2069), so that it cannot turn round what is beside it.
 */
export function shorten(text: string, charactersMax: number): string {
  const seen = text.slice(0, LOOKED_AT_MAX).replaceAll(UNSEEN, '\u{fffd}');
  let short = '';
  let count = 0;
  for (const { segment } of GRAPHEMES.segment(seen)) {
    if (count === charactersMax) return isolated(`${short.trimEnd()}…`);
    // Marks can be stacked without end on one character.
    short += segment.length > 16 ? '\u{fffd}' : segment;
    count += 1;
  }
  return isolated(short === '' ? '(empty)' : short);
}

function isolated(text: string): string {
  return `\u2068${text}\u2069`;
}
