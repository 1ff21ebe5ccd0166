import { gzipSync } from 'node:zlib';

import type { Plugin } from 'vite';

/** Bytes, gzipped, that a reader loads at most: pictures, scripts and styles together. */
export const TOTAL_BYTES_MAX = 250_000;

/** How much of a file goes over the wire. */
export function gzippedBytes(content: string | Uint8Array): number {
  return gzipSync(content, { level: 9 }).byteLength;
}

/** Prints what all assets weigh together, and stops a build that weighs too much. */
export function totalSize(): Plugin {
  return {
    name: 'windlass:total-size',
    writeBundle(_options, bundle) {
      let total = 0;
      for (const file of Object.values(bundle)) {
        if (!/\.(js|css)$/.test(file.fileName)) continue;
        total += gzippedBytes(file.type === 'chunk' ? file.code : file.source);
      }
      console.log(`all assets: ${total} bytes gzipped, of ${TOTAL_BYTES_MAX} allowed`);
      if (total > TOTAL_BYTES_MAX) this.error(`the assets weigh ${total} bytes gzipped`);
    },
  };
}
