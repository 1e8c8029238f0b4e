/**
 * Worker: an open page of the inspector: it requests the overview and a list every second, and keeps a WebSocket open.
 */
import { WebSocket } from 'ws';
import { serveCommands } from './workers.ts';

export type PageCommand =
  | { readonly do: 'open'; readonly url: string }
  | { readonly do: 'close' }
  /** The same request, several times in sequence. */
  | { readonly do: 'ask'; readonly url: string; readonly times: number };

export interface PageAnswer {
  /** For each answer, in milliseconds. */
  readonly tookMs: readonly number[];
}

const EVERY_MS = 1_000;
let timer: NodeJS.Timeout | null = null;
let socket: WebSocket | null = null;
let tookMs: number[] = [];

async function ask(url: string): Promise<void> {
  const fromMs = performance.now();
  await (await fetch(url)).text();
  tookMs.push(performance.now() - fromMs);
}

async function look(url: string): Promise<void> {
  const asked = ['api/overview', 'api/rows?kind=pair&limit=100'].map((path) => ask(`${url}${path}`));
  await Promise.all(asked).catch(() => undefined);
}

function told(): PageAnswer {
  const taken = tookMs;
  tookMs = [];
  return { tookMs: taken };
}

serveCommands<PageCommand, PageAnswer>(async (command) => {
  switch (command.do) {
    case 'ask':
      for (let i = 0; i < command.times; i += 1) await ask(command.url);
      return told();
    case 'close':
      if (timer !== null) clearInterval(timer);
      socket?.terminate();
      return told();
    case 'open':
      socket = new WebSocket(`${command.url.replace('http', 'ws')}api/live`).on('error', () => undefined);
      void look(command.url);
      timer = setInterval(() => void look(command.url), EVERY_MS);
      return { tookMs: [] };
  }
});
