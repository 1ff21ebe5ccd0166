import { defineConfig } from 'vite';

import { totalSize } from './build/total-size.ts';

/**
 * The server knows the files by `manifest.json`, and serves them for ever by the hashes in their
 * names. `WINDLASS_WEB_DIST` builds to another place, to compare with what is committed.
 */
export default defineConfig({
  // Chunks find each other wherever the server puts them.
  base: './',
  plugins: [totalSize()],
  build: {
    outDir: process.env['WINDLASS_WEB_DIST'] ?? 'dist',
    emptyOutDir: true,
    assetsDir: '',
    manifest: 'manifest.json',
    license: { fileName: 'THIRD-PARTY-LICENSES.txt' },
    sourcemap: false,
    // Browsers of 2024 and later: they have `light-dark()`, `:has()` and modules.
    target: ['chrome123', 'firefox121', 'safari17.5'],
    // The one chunk that comes later has nothing to load before it.
    modulePreload: false,
    // Images inside of styles would need `data:` in the policy.
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: ['src/main.ts', 'src/style.css'],
      output: {
        entryFileNames: '[name]-[hash].js',
        chunkFileNames: '[name]-[hash].js',
        assetFileNames: '[name]-[hash][extname]',
      },
    },
  },
});
