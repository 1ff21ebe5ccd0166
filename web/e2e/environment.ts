function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run 'cargo test -p windlass --test web'`);
  return value;
}

/** A server over the demo crawl and over one whose anchors are hostile. */
export const serverUrl = required('WINDLASS_URL');

/** The browser. */
export const chromium = required('WINDLASS_CHROMIUM');

/** Where screenshots and traces go. */
export const artefacts = required('WINDLASS_ARTEFACTS');

/** A server over part of the demo crawl and a damaged file, which asks for tokens. */
export const meteredUrl = required('WINDLASS_METERED_URL');

/** Tokens for it: one for reports, one that has few rows, one for operations too. */
export const tokens = {
  reader: required('WINDLASS_READER_TOKEN'),
  poor: required('WINDLASS_POOR_TOKEN'),
  operator: required('WINDLASS_OPERATOR_TOKEN'),
};
