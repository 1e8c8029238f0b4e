/** The entry point of the page: it asks whether it shows a running daemon or a trace. */
import { render } from 'preact';
import { App } from './app.tsx';
import { httpSource } from './http-source.ts';
import type { Source } from './source.ts';
import { openTrace } from './trace-source.ts';
import 'virtual:chart-style.css';
import './style/index.css';

interface SourceTold {
  readonly kind: 'live' | 'trace';
  readonly name?: string;
  readonly atMs?: number;
}

async function sourceHere(): Promise<Source> {
  const response = await fetch('api/source');
  const told = response.ok ? ((await response.json()) as SourceTold) : { kind: 'live' as const };
  if (told.kind === 'live') return httpSource();
  const trace = await fetch('api/trace');
  return openTrace(await trace.blob(), told.name ?? 'trace', told.atMs ?? Date.now());
}

const root = document.getElementById('page');
if (root !== null) {
  render(<App begin={sourceHere} />, root);
}
