/** What a person sees of a scenario that was played. */
import { type Facts, proofText, reports, samePair } from './facts.ts';
import { ladderOf, type Rung } from './ladder.ts';
import type { Paint } from './paint.ts';
import { other, pathOfPair, socketsOf, type SocketEnds } from './paths.ts';
import type { Played } from './play.ts';
import type { Message, Scenario, Side } from './scenario.ts';

const WIDTH = 100;
const INDENT = '    ';
/** Widths of the columns of a ladder. */
const LEFT = 38;
const MIDDLE = 42;

/** Title, story, a ladder per socket, and the claims in short. Lines without the line feed. */
export function describe({ scenario, facts, claims, holds }: Played, number: number, paint: Paint): string[] {
  const lines = ['', heading(scenario, number, paint), ...wrap(scenario.story).map((line) => INDENT + line), ''];
  const drawn: string[] = [];
  socketsOf(facts).forEach((socket, index) => {
    const ladder = ladderOf(facts, socket);
    const shape = JSON.stringify(ladder.map(shapeOf));
    const known = drawn.indexOf(shape);
    drawn.push(shape);
    lines.push(INDENT + socketTitle(facts, socket, index, paint));
    if (known === -1) lines.push(...ladder.map((rung) => INDENT + drawRung(rung, paint)));
    else lines.push(INDENT + paint('dim', `the same steps as on socket ${known + 1}, with the parts exchanged`));
    lines.push('');
  });
  lines.push(...pairLines(scenario, facts, paint));
  const { opened, standing } = facts.sockets;
  lines.push(INDENT + label('sockets') + `${opened} opened, ${standing} ${standing === 1 ? 'stands' : 'stand'}`);
  const failed = claims.filter((claim) => !claim.holds);
  if (holds) {
    lines.push(INDENT + paint('green', `✓ proved: all ${claims.length} claims hold`));
  } else {
    lines.push(INDENT + paint('red', `✗ ${failed.length} of ${claims.length} claims do not hold`));
    for (const { claim, expected, saw } of failed) {
      lines.push(`${INDENT}  ${claim}`, `${INDENT}    expected ${expected}`, `${INDENT}    saw      ${saw}`);
    }
  }
  return lines;
}

const label = (text: string): string => `${text}  `;

function heading({ title, spec }: Scenario, number: number, paint: Paint): string {
  const start = `${String(number).padStart(2)}  ${title}`;
  const gap = ' '.repeat(Math.max(2, WIDTH + INDENT.length - start.length - spec.length));
  return paint('bold', start) + gap + paint('dim', spec);
}

function socketTitle({ timeline }: Facts, { opener, initiating }: SocketEnds, index: number, paint: Paint): string {
  const asks = timeline.some(
    ({ at, record }) =>
      at === opener &&
      record.actor === initiating &&
      record.kind === 'transition' &&
      record.states.some((state) => state === 'verifying' || state === 'lingering'),
  );
  const title = `socket ${index + 1}`;
  const left = `${opener} opens`;
  const right = `${other(opener)} accepts${asks ? ', and is only asked' : ''}`;
  return `${left.padEnd(LEFT)}${title.padStart((MIDDLE + title.length) >> 1).padEnd(MIDDLE)}${right}`.replace(
    title,
    paint('cyan', title),
  );
}

function drawRung({ opener, said, acceptor }: Rung, paint: Paint): string {
  const left = state(opener, paint) + ' '.repeat(Math.max(0, LEFT - opener.length));
  const right = state(acceptor, paint);
  if (said === null) return `${left}${' '.repeat(MIDDLE)}${right}`.trimEnd();
  const text = ` ${said.text} `;
  const line = '─'.repeat(Math.max(2, MIDDLE - 4 - text.length));
  const drawn = said.towards === 'right' ? `─${text}${line}▶` : `◀${line}${text}─`;
  return `${left}${paint('cyan', drawn)}${right}`;
}

function state(text: string, paint: Paint): string {
  if (text.includes('✓')) return paint('green', text);
  if (text.includes('✗')) return paint('red', text);
  return text;
}

/** A ladder without names: two of one shape need not both be shown. */
function shapeOf({ opener, said, acceptor }: Rung): unknown {
  const nameless = (text: string): string => text.replaceAll(/\b\w\.example\b/g, '·');
  return [nameless(opener), said === null ? null : [said.towards, nameless(said.text)], nameless(acceptor)];
}

/** One line per pair; pairs that came by their stream in the same way share the line of their path. */
function pairLines(scenario: Scenario, facts: Facts, paint: Paint): string[] {
  const groups = new Map<string, Message[]>();
  for (const message of uniquePairs(facts.sent)) {
    const side: Side = scenario.A.hosts.includes(message.from) ? 'A' : 'B';
    const how = [pathOfPair(facts, side, message).join(' → '), fateOf(facts, side, message)].join('\n');
    groups.set(how, [...(groups.get(how) ?? []), message]);
  }
  return [...groups].flatMap(([how, pairs]) => {
    const [path = '', fate = ''] = how.split('\n');
    const names = pairs.map(({ from, to }) => `${from} → ${to}`);
    return [
      ...columns(names).map((line) => INDENT + paint('bold', line)),
      `${INDENT}  ${paint('dim', path === '' ? 'was accepted without asking' : path)}`,
      `${INDENT}  ${fate}`,
    ];
  });
}

function fateOf(facts: Facts, side: Side, pair: Message): string {
  const mine = facts.sent.filter((one) => samePair(one, pair));
  const returned = mine.flatMap(({ delivery }) => (delivery?.outcome === 'returned' ? [delivery.fault] : []));
  if (returned[0] !== undefined) {
    const { layer, condition, text } = returned[0];
    return `came back: ${layer} ${condition}${text === undefined ? '' : ` (${text})`}`;
  }
  const arrived = facts.arrived.filter((one) => samePair(one, pair)).length;
  const far = reports(facts, side, 'pair.accepted').find((report) => samePair(report, pair));
  const near = reports(facts, other(side), 'pair.admitted').find((report) => samePair(report, pair));
  const proofs = [
    far === undefined ? null : `target proved by ${proofText(far.proof)}`,
    near === undefined ? null : `sender by ${proofText(near.proof)}`,
  ].filter((text) => text !== null);
  return `${arrived} of ${mine.length} delivered; ${proofs.join(', ')}`;
}

function uniquePairs(messages: readonly Message[]): Message[] {
  return messages.filter((message, index) => messages.findIndex((one) => samePair(one, message)) === index);
}

/** Names side by side, as many as fit. */
function columns(names: readonly string[]): string[] {
  const perLine = 3;
  const lines: string[] = [];
  for (let at = 0; at < names.length; at += perLine) lines.push(names.slice(at, at + perLine).join('    '));
  return lines;
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
