// Opens a notebook in JupyterLab, runs it, and looks: node tour.mjs URL ARTEFACTS light|dark
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('../../labextension/package.json', import.meta.url));
const { chromium } = createRequire(here)('playwright-core');
const [url, artefacts, theme] = process.argv.slice(2);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu']
});
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: theme });
const page = await context.newPage();
const said = [];
page.on('pageerror', error => said.push(`page error: ${error.message}`));
const found = { theme, errors: said };
try {
  await page.goto(url, { waitUntil: 'domcontentloaded' });
  await page.locator('.jp-Notebook .jp-Cell').first().waitFor({ timeout: 90_000 });
  const status = state => page.locator('#jp-bottom-panel', { hasText: `| ${state}` });
  await status('Idle').waitFor({ timeout: 60_000 });
  // JupyterLab drops what is run before the kernel's connection stands, without a word: ask again.
  for (let tries = 0, busy = false; !busy && tries < 5; tries++) {
    await page.getByRole('menuitem', { name: 'Run', exact: true }).click();
    await page.getByRole('menuitem', { name: 'Run All Cells', exact: true }).click();
    busy = await status('Busy').waitFor({ timeout: 5_000 }).then(() => true, () => false);
  }
  for (let quiet = 0; quiet < 3; quiet++) {
    await status('Idle').waitFor({ timeout: 240_000 });
    await page.waitForTimeout(400);
    quiet = (await status('Busy').isVisible()) ? -1 : quiet;
  }
  const graph = page.locator('.kn-topology').first();
  await graph.waitFor({ state: 'visible', timeout: 20_000 });
  await graph.scrollIntoViewIfNeeded();
  const part = graph.locator('[data-id^="Deployment/"]').first();
  await part.waitFor({ timeout: 30_000 });
  await page.waitForTimeout(500); // what moved has arrived
  found.sentence = await graph.locator('.kn-sentence').innerText();
  found.pods = await graph.locator('[data-id^="Pod/"]').count();
  found.nodes = await graph.locator('[data-id^="Node/"]').count();
  found.lines = await graph.locator('path.line').count();
  await page.screenshot({ path: `${artefacts}/tour-graph-${theme}.png` });
  await part.click();
  await graph.locator('.kn-details dt').first().waitFor({ timeout: 30_000 });
  found.details = await graph.locator('.kn-details').innerText();
  await page.screenshot({ path: `${artefacts}/tour-selected-${theme}.png` });
  const before = await graph.locator('svg.kn-g').first().getAttribute('viewBox');
  await graph.getByRole('button', { name: 'Zoom in' }).click();
  found.zoomed = before !== (await graph.locator('svg.kn-g').first().getAttribute('viewBox'));
  const table = page.locator('figure.kn table').first();
  await table.waitFor({ timeout: 10_000 });
  await table.scrollIntoViewIfNeeded();
  found.tables = await table.count();
  await page.screenshot({ path: `${artefacts}/tour-table-${theme}.png` });
} catch (error) {
  found.failed = String(error);
  await page.screenshot({ path: `${artefacts}/tour-failed-${theme}.png` });
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
