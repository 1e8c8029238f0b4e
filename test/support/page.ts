/** The page of the inspector in a real browser: the existing build, or a new one if its sources are newer. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { statesOf, readChart } from '../../visualize/charts/chart.ts';
import { chartFileName } from '../../visualize/charts/files.ts';
import { type Browser, chromium, type Page } from 'playwright-core';
import { allMachines } from './all-charts.ts';
import { missing } from './processes.ts';

const ROOT = new URL('../..', import.meta.url).pathname;
const BUILT = join(ROOT, 'dist/visualize/page');
/** The sources of the build. */
const SOURCES = ['visualize', 'machines', 'src/trace', 'src/protocol', 'docs/charts'];

const CHROMIUM = '/usr/bin/chromium';

/** Why there is no browser; null where there is one. */
export const noBrowser = (): string | null => missing(CHROMIUM);

/** Leaves the page in dist, as `npm run build` does. */
export function buildPage(): void {
  const index = join(BUILT, 'index.html');
  const builtMs = existsSync(index) ? statSync(index).mtimeMs : 0;
  if (SOURCES.every((folder) => newestIn(join(ROOT, folder)) < builtMs)) return;
  mkdirSync(dirname(BUILT), { recursive: true });
  const fresh = mkdtempSync(join(dirname(BUILT), 'page-'));
  const args = ['build', '--config', 'visualize/page/vite.config.ts', '--outDir', fresh, '--logLevel', 'error'];
  execFileSync(join(ROOT, 'node_modules/.bin/vite'), args, { cwd: ROOT, stdio: 'pipe' });
  // Other processes may be serving the old build: it is replaced as a whole.
  rmSync(BUILT, { recursive: true, force: true });
  renameSync(fresh, BUILT);
}

function newestIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Math.max(...files.map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs));
}

export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });

export interface Watched {
  readonly page: Page;
  /** Errors in the page: those of scripts, and violations of the content security policy. */
  readonly problems: readonly string[];
}

export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: 'light' | 'dark';
}

export async function openPage(browser: Browser, url: string, look: Look = {}): Promise<Watched> {
  const { width = 1280, height = 900, colorScheme = 'light' } = look;
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    // An older daemon and a trace have no WebSocket: the browser reports that the connection attempt failed.
    if (message.type() === 'error' && !message.text().includes('/api/live')) problems.push(message.text());
  });
  await page.goto(url);
  return { page, problems };
}

/** For each chart, its states, and those in its picture. */
export function statePaths(): readonly {
  readonly machine: string;
  readonly states: string[];
  readonly drawn: string[];
}[] {
  return allMachines.map((machine) => {
    const picture = readFileSync(join(ROOT, 'docs/charts', chartFileName(machine.id, 'svg')), 'utf8');
    const drawn = [...picture.matchAll(/data-state="([^"]+)"/g)].map(([, state = '']) => state);
    const states = [...statesOf(readChart(machine).root)].map(({ path }) => path).filter((path) => path !== '');
    return { machine: machine.id, states, drawn };
  });
}
