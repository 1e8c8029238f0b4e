/** Queries a running daemon at the address of its inspector. */
import type { Mover } from '../../machines/declare.ts';
import { LEFT_OUT } from '../inspector/answers.ts';
import { faultIn, fieldsIn, isFields, numberIn, textIn } from '../trace/context.ts';
import type { ChainLink, Explanation, PairWanted } from '../trace/explain/explain.ts';
import { InputError } from './terminal.ts';

/** Timeout for an answer, in milliseconds: longer than any takes. */
const PATIENCE_MS = 20_000;
/** Larger than the ring of a daemon written as a trace, in bytes. */
const MAX_ANSWER = 128 * 1_024 * 1_024;

/**
 * `GET /api/explain[?pair=local>remote]`: a list of explanations, as `--json` prints them; and how many it left out.
 */
export async function explanationsAt(
  inspector: string,
  { local, remote }: PairWanted,
): Promise<{ readonly explanations: readonly Explanation[]; readonly leftOut: number }> {
  const pair = local === undefined ? (remote ?? '') : `${local}>${remote ?? ''}`;
  const { body, leftOut } = await get(inspector, 'api/explain', pair === '' ? {} : { pair });
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    parsed = null;
  }
  if (!Array.isArray(parsed)) throw noInspector(inspector, 'it does not answer as an inspector does');
  return { explanations: parsed.map(explanationIn), leftOut };
}

/** `GET /api/trace`: the contents of its ring, as the lines of a trace. */
export async function traceAt(inspector: string): Promise<readonly string[]> {
  return (await get(inspector, 'api/trace', {})).body.split('\n');
}

const noInspector = (inspector: string, why: string): InputError => new InputError(`--inspector ${inspector}: ${why}`);

/** A token in the URL, as used in a browser, is sent in the header of RFC 6750. */
async function get(
  inspector: string,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<{ readonly body: string; readonly leftOut: number }> {
  let url: URL;
  try {
    url = new URL(path, inspector.endsWith('/') || inspector.includes('?') ? inspector : `${inspector}/`);
  } catch {
    throw noInspector(inspector, 'expected a URL such as http://127.0.0.1:8712/');
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw noInspector(inspector, 'expected http or https');
  const token = new URL(inspector).searchParams.get('token');
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  try {
    const response = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(PATIENCE_MS) });
    if (response.status === 401) throw noInspector(inspector, 'it requires a token: append ?token=… to the URL');
    if (response.status === 403) throw noInspector(inspector, `it refuses: ${await bounded(response, inspector)}`);
    if (response.status !== 200) throw noInspector(inspector, `it answered ${response.status}`);
    const leftOut = Number(response.headers.get(LEFT_OUT) ?? 0);
    return { body: await bounded(response, inspector), leftOut: Number.isSafeInteger(leftOut) ? leftOut : 0 };
  } catch (error) {
    if (error instanceof InputError) throw error;
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    throw noInspector(inspector, `no answer: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

async function bounded(response: Response, inspector: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  // Node's types declare the body of a response as a stream of `any`.
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    if (bytes > MAX_ANSWER) throw noInspector(inspector, `it answered more than ${MAX_ANSWER} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

const MOVERS: readonly Mover[] = ['us', 'peer', 'dns', 'web', 'operator'];
const moverIn = (value: unknown): Mover | null => MOVERS.find((one) => one === value) ?? null;
const textOrNull = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** The daemon may be of another version: missing fields are left empty. */
function explanationIn(value: unknown): Explanation {
  const told = fieldsIn(value);
  const chain = told['chain'];
  return {
    local: textIn(told['local']),
    remote: textIn(told['remote']),
    direction: told['direction'] === 'incoming' ? 'incoming' : 'outgoing',
    atMs: numberIn(told['atMs']) ?? Date.now(),
    stuck: told['stuck'] === true,
    state: textIn(told['state']),
    failedIn: textOrNull(told['failedIn']),
    awaits: textIn(told['awaits']),
    mover: moverIn(told['mover']) ?? 'us',
    sinceMs: numberIn(told['sinceMs']) ?? 0,
    deadlineMs: numberIn(told['deadlineMs']),
    ifLate: textOrNull(told['ifLate']),
    spec: textIn(told['spec']),
    chain: Array.isArray(chain) ? chain.filter(isFields).map(linkIn) : [],
    fault: faultIn(told['fault']),
    diagnosis: textOrNull(told['diagnosis']),
    cause: textIn(told['cause']),
    fix: textIn(told['fix']),
  };
}

const linkIn = (link: Readonly<Record<string, unknown>>): ChainLink => ({
  actor: textIn(link['actor']),
  machine: textIn(link['machine']),
  state: textIn(link['state']),
  description: textIn(link['description']),
  spec: textIn(link['spec']),
  awaits: textOrNull(link['awaits']),
  mover: moverIn(link['mover']),
  ifLate: textOrNull(link['ifLate']),
  sinceMs: numberIn(link['sinceMs']),
  deadlineMs: numberIn(link['deadlineMs']),
});
