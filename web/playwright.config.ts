import { defineConfig } from '@playwright/test';

import { artefacts, chromium, serverUrl } from './e2e/environment.ts';

export default defineConfig({
  testDir: 'e2e',
  outputDir: `${artefacts}/results`,
  fullyParallel: true,
  forbidOnly: true,
  // A test that passes only sometimes is one that fails.
  retries: 0,
  workers: 2,
  reporter: [['list']],
  use: {
    baseURL: serverUrl,
    locale: 'en-GB',
    timezoneId: 'America/New_York',
    contextOptions: { reducedMotion: 'reduce' },
    launchOptions: {
      executablePath: chromium,
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
