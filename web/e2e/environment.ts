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
