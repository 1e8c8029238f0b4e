/** The page over a view that does not change: a daemon that answers, but does nothing. */
import { after, before } from 'node:test';
import type { Browser } from 'playwright-core';
import { Inspector } from '../../src/inspector/server.ts';
import { TraceEncoder } from '../../src/trace/format.ts';
import type { TraceRecord } from '../../src/trace/record.ts';
import type { View } from '../../src/trace/view/view.ts';
import { buildPage, type Look, noBrowser, openBrowser, openPage, type Watched } from './page.ts';

export interface ViewRun {
  /** Why there is no browser; false where there is one. */
  readonly skip: string | false;
  readonly view: View;
  /** @param hash the view to open, such as `#/actor/stream%3A3` */
  open(hash?: string, look?: Look): Promise<Watched>;
}

/** For the tests of a file: one browser and one inspector; each test opens its own pages. */
export function viewRun(make: () => View | Promise<View>): ViewRun {
  const skip = noBrowser() ?? false;
  let open: { readonly browser: Browser; readonly inspector: Inspector; readonly view: View } | null = null;
  const opened = (): NonNullable<typeof open> => {
    if (open === null) throw new Error('it is open while tests run');
    return open;
  };
  before(async () => {
    if (skip !== false) return;
    buildPage();
    const view = await make();
    const inspector = await Inspector.start(
      { address: '127.0.0.1', port: 0, token: null },
      { view: () => ({ ...view, origin: 'live' }), traceLines: () => [] },
    );
    open = { browser: await openBrowser(), inspector, view };
  });
  after(async () => {
    await open?.browser.close();
    await open?.inspector.stop();
  });
  return {
    skip,
    get view() {
      return opened().view;
    },
    open: (hash = '', look = {}) => openPage(opened().browser, `${opened().inspector.url}${hash}`, look),
  };
}

export const hashOf = (id: string): string => `#/actor/${encodeURIComponent(id)}`;

/** The records as a file that the page can open. */
export function traceFile(records: readonly TraceRecord[]): { name: string; mimeType: string; buffer: Buffer } {
  const encoder = new TraceEncoder();
  const startedAtMs = records[0]?.atMs ?? 0;
  const savedAtMs = (records.at(-1)?.atMs ?? 0) + 60_000;
  const header = encoder.header({ software: 'test', startedAtMs, savedAtMs, role: 'test', hosts: ['a.example'] });
  const lines = header + records.map((record) => encoder.record(record)).join('');
  return { name: 'view.dnalog', mimeType: 'text/plain', buffer: Buffer.from(lines) };
}
