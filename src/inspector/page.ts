/**
 * The page of the inspector, as `npm run build` makes it. Read once, so that a request names a key and never a path.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PageFile {
  readonly type: string;
  readonly body: Buffer;
  /** Its name contains its digest, so a client that has it need not ask again. */
  readonly isImmutable: boolean;
}

/** By address: `/`, `/assets/…`. Empty when the page was not built. */
export type Page = ReadonlyMap<string, PageFile>;

/** Beside the compiled code; when run from sources, the result of the last build. */
const BUILT = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/visualize/page' : '../../visualize/page', import.meta.url),
);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The built page, shared by all inspectors of a process. */
export function loadPage(): Page {
  return (built ??= pageIn(BUILT));
}

let built: Page | null = null;

function pageIn(folder: string): Page {
  const page = new Map<string, PageFile>();
  const index = join(folder, 'index.html');
  if (!existsSync(index)) return page;
  page.set('/', fileAt(index, false));
  for (const name of readdirSync(join(folder, 'assets')))
    page.set(`/assets/${name}`, fileAt(join(folder, 'assets', name), true));
  return page;
}

const fileAt = (path: string, isImmutable: boolean): PageFile => ({
  type: TYPES[extname(path)] ?? 'application/octet-stream',
  body: readFileSync(path),
  isImmutable,
});
