/** Worker: a page of the inspector that is open: every second it asks for the overview and a list, and a WebSocket stands. */
import { WebSocket } from 'ws';
import { serveCommands } from './workers.ts';

export type PageCommand = { readonly do: 'open'; readonly url: string } | { readonly do: 'close' };

export interface PageAnswer {
  /** Of each answer, in milliseconds. */
  readonly tookMs: readonly number[];
}

const EVERY_MS = 1_000;
let timer: NodeJS.Timeout | null = null;
let socket: WebSocket | null = null;
let tookMs: number[] = [];

async function look(url: string): Promise<void> {
  for (const path of ['api/overview', 'api/rows?kind=pair&limit=100']) {
    const fromMs = performance.now();
    await (await fetch(`${url}${path}`)).text();
    tookMs.push(performance.now() - fromMs);
  }
}

serveCommands<PageCommand, PageAnswer>(async (command) => {
  if (command.do === 'close') {
    if (timer !== null) clearInterval(timer);
    socket?.terminate();
    const told = tookMs;
    tookMs = [];
    return { tookMs: told };
  }
  socket = new WebSocket(`${command.url.replace('http', 'ws')}api/live`).on('error', () => undefined);
  await look(command.url);
  timer = setInterval(() => void look(command.url).catch(() => undefined), EVERY_MS);
  return { tookMs: [] };
});
