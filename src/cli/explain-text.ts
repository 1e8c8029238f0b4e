/** Explanations for a person: first the answer, then who waits for whom, then what to do. */
import type { Paint } from './paint.ts';
import type { ChainLink, Explanation } from '../trace/explain/explain.ts';
import { clockTime, countWords, lasting, MOVERS, stuckWords } from '../trace/explain/words.ts';
import type { Disagreement } from '../trace/join/join.ts';
import { visible } from './visible.ts';

/** @param pair the pair that was asked for; undefined if all were */
export function summary(
  told: readonly Explanation[],
  disagreements: readonly Disagreement[],
  paint: Paint,
  pair?: string,
): string {
  const stuck = told.filter((one) => one.stuck);
  const failed = stuck.filter(({ fault }) => fault !== null).length;
  const apart =
    disagreements.length === 0
      ? ''
      : paint('red', ` The two ends disagree on ${countWords(disagreements.length, 'point', 'points')}.`);
  if (told.length === 0 && pair !== undefined)
    return `Nothing is being negotiated with ${visible(pair)} here, and nothing was recently; leave out PAIR to see everything.${apart}`;
  if (told.length === 0) return `Nothing is being negotiated here, and nothing was recently.${apart}`;
  if (stuck.length === 0 && apart !== '')
    return `${pairsOf(told)}, none of which is stuck as far as this end knows.${apart}`;
  if (stuck.length === 0) return paint('green', `Nothing is stuck: ${pairsOf(told)}.`);
  const well = told.length - stuck.length;
  const others = well === 0 ? '' : `; ${countWords(well, 'is', 'are')} in order`;
  return paint('red', `${stuckWords(stuck.length - failed, failed)}${others}.`) + apart;
}

const pairsOf = (told: readonly Explanation[]): string => countWords(told.length, 'negotiation', 'negotiations');

/** `a.example > b.example`, in the direction of the stanzas. */
function titleOf({ local, remote, direction }: Explanation): string {
  const [from, to] = direction === 'outgoing' ? [local, remote] : [remote, local];
  return `${from || 'somebody'} > ${to || 'us'}`;
}

const verdictOf = ({ stuck, fault }: Explanation): string => (fault !== null ? 'failed' : stuck ? 'stuck' : 'in order');

export function linesOfExplanation(told: Explanation, paint: Paint): string[] {
  const { cause, fix, chain, stuck, atMs } = told;
  const title = `${titleOf(told)}: ${verdictOf(told)}`;
  return [
    '',
    paint(stuck ? 'red' : 'green', visible(title)),
    ...wrapped(visible(cause), '  '),
    '',
    ...chain.flatMap((link, at) => linesOfLink(link, at, told)).map((line) => paint('dim', visible(line))),
    ...thenOf(told, atMs).map(visible),
    '',
    paint('bold', '  What to do'),
    ...wrapped(visible(fix), '  '),
  ];
}

/** What it waits for; each link is indented one level further. */
function linesOfLink(link: ChainLink, depth: number, { atMs }: Explanation): string[] {
  const { actor, machine, state, awaits, mover, sinceMs, description } = link;
  const indent = '  '.repeat(Math.min(depth, 8) + 1);
  const who = machine === 'queue' ? 'stanzas' : machine === 'authority' ? 'the other half' : actor;
  const since = sinceMs === null ? '' : ` (${lasting(atMs - sinceMs)})`;
  if (awaits === null) return [`${indent}${who} ${state}: ${description}${since}`];
  return [`${indent}${who} ${state}: waits for ${awaits}${mover === null ? '' : `, from ${MOVERS[mover]}`}${since}`];
}

function thenOf({ deadlineMs, ifLate, spec, fault, failedIn }: Explanation, atMs: number): string[] {
  const where = failedIn === null ? '' : ` in ${failedIn}`;
  const why = fault === null ? [] : [`  It failed${where}: ${fault.layer}: ${fault.condition} (${fault.origin}).`];
  if (ifLate === null) return why;
  return [...why, `  ${whenOf(deadlineMs, atMs)}: ${ifLate} (${spec}).`];
}

function whenOf(deadlineMs: number | null, atMs: number): string {
  if (deadlineMs === null) return 'There is no deadline';
  return deadlineMs <= atMs ? 'Now' : `In ${lasting(deadlineMs - atMs)}, at ${clockTime(deadlineMs)}`;
}

export function lineOfWell(told: Explanation, paint: Paint): string {
  return `${paint('green', 'in order')}  ${visible(`${titleOf(told)}  ${told.state}`)}`;
}

export function linesOfDisagreement({ atMs, streams: [a, b], cause, fix }: Disagreement, paint: Paint): string[] {
  const when = atMs === null ? '' : `${clockTime(atMs)}  `;
  const where = [a, b].every((one) => one === null) ? '' : ` (${a ?? 'none'} here, ${b ?? 'none'} there)`;
  return ['', paint('red', visible(`${when}${cause}`)) + visible(where), ...wrapped(visible(fix), '  ')];
}

/** Longest line. A terminal of eighty columns shows it almost whole. */
const COLUMNS = 100;

function wrapped(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length + 1 > COLUMNS) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, indent + line];
}
