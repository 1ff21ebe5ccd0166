import { TOTAL_BYTES_MAX, gzippedBytes } from '../build/total-size.ts';
import { GITHUB } from './pages.ts';
import { expect, test } from './test.ts';

test('all that a report loads is small, from this server, and kept by browsers', async ({
  page,
  request,
}) => {
  const loaded = new Set<string>();
  page.on('request', (sent) => loaded.add(sent.url()));
  await page.goto(GITHUB);
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.waitForLoadState('networkidle');
  let total = 0;
  for (const url of loaded) {
    expect(new URL(url).origin).toBe(new URL(page.url()).origin);
    const response = await request.get(url);
    expect(response.ok(), url).toBe(true);
    total += gzippedBytes(await response.body());
    if (/\.(js|css)$/.test(url)) {
      expect(response.headers()['cache-control'], url).toContain('immutable');
    }
  }
  expect(loaded.size).toBeGreaterThan(2);
  expect(total).toBeLessThan(TOTAL_BYTES_MAX);
});

test('assets are compressed on their way', async ({ page }) => {
  const encodings: (string | undefined)[] = [];
  page.on('response', (response) => {
    if (/\.(js|css)$/.test(response.url())) encodings.push(response.headers()['content-encoding']);
  });
  await page.goto(GITHUB);
  expect(encodings.length).toBeGreaterThan(1);
  for (const encoding of encodings) expect(encoding).toMatch(/^(gzip|br|zstd)$/);
});

test('the licences of what is bundled are there', async ({ request }) => {
  const response = await request.get('/assets/THIRD-PARTY-LICENSES.txt');
  const text = await response.text();
  for (const name of ['chart.js', '@kurkle/color', 'htmx.org']) expect(text).toContain(name);
});

test('the policy of pages allows nothing inline', async ({ request }) => {
  const response = await request.get(GITHUB);
  const policy = response.headers()['content-security-policy'] ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain('unsafe');
});
