/** The text output for a scenario that was played. */
import { brief } from '../protocol/faults.ts';
import { CLIENT } from './client.ts';
import { type Facts, proofText, reports, samePair } from './facts.ts';
import { ladderOf, type Rung } from './ladder.ts';
import { other, pathOfPair, socketsOf, type SocketEnds, statesIn } from './paths.ts';
import type { Played } from './play.ts';
import type { Message, Scenario, Side } from './scenario.ts';

/** Colours a text; the terminal decides whether. */
type Paint = (tint: 'bold' | 'dim' | 'green' | 'red' | 'cyan', text: string) => string;

const WIDTH = 110;
const INDENT = '    ';
/** Widths of the columns of a ladder. */
const LEFT = 36;
const MIDDLE = 55;
/** Most characters of a reason that are shown; the records have all of it. */
const MAX_REASON = 80;

/** Title, story, a ladder per socket, the outcome of each pair, and the verdict. Lines without line feeds. */
export function describe(played: Played, number: number, paint: Paint): string[] {
  const { scenario, facts } = played;
  return [
    '',
    heading(scenario, number, paint),
    ...wrap(scenario.story).map((line) => INDENT + line),
    '',
    ...socketLines(scenario, facts, paint),
    ...soughtLines(facts, paint),
    ...pairLines(scenario, facts, paint),
    ...verdictLines(played, paint),
  ];
}

function socketLines(scenario: Scenario, facts: Facts, paint: Paint): string[] {
  const drawn: { readonly opener: Side; readonly shape: string }[] = [];
  return socketsOf(facts).flatMap((socket, index) => {
    const ladder = ladderOf(facts, socket);
    const shape = shapeOf(ladder);
    const known = drawn.findIndex((one) => one.shape === shape);
    drawn.push({ opener: socket.opener, shape });
    const lines = [socketTitle(facts, socket, index, paint)];
    if (known >= 0) {
      const how = drawn[known]?.opener === socket.opener ? 'once more' : 'with the parts exchanged';
      lines.push(paint('dim', `the steps of socket ${known + 1}, ${how}`));
    } else if (scenario.roadIsKnown === true) {
      const at = ladder.findLastIndex(({ opener, acceptor }) => opener === 'established' || acceptor === 'established');
      const next = ladder[at]?.said?.text === 'success' ? null : (ladder[at]?.said ?? null);
      lines.push(paint('dim', 'the road of scenario 1, until both ends are established'));
      if (next !== null) lines.push(drawRung({ opener: '', said: next, acceptor: '' }, paint));
      lines.push(...ladder.slice(at + 1).map((rung) => drawRung(rung, paint)));
    } else {
      lines.push(...ladder.map((rung) => drawRung(rung, paint)));
    }
    return [...lines.map((line) => INDENT + line), ''];
  });
}

function verdictLines({ facts, claims, holds }: Played, paint: Paint): string[] {
  const { opened, standing } = facts.sockets;
  const sockets = `${opened} ${opened === 1 ? 'socket' : 'sockets'} opened, ${standing} still ${standing === 1 ? 'stands' : 'stand'}`;
  if (holds) return [`${INDENT}${sockets}`, INDENT + paint('green', `✓ all ${claims.length} claims hold`)];
  const failed = claims.filter((claim) => !claim.holds);
  return [
    `${INDENT}${sockets}`,
    INDENT + paint('red', `✗ ${failed.length} of ${claims.length} claims do not hold`),
    ...failed.flatMap(({ claim, expected, saw }) => [
      `${INDENT}  ${claim}`,
      `${INDENT}    expected ${expected}`,
      `${INDENT}    saw      ${saw}`,
    ]),
  ];
}

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
      statesIn(record)
        .flat()
        .some((state) => state === 'verifying' || state === 'lingering'),
  );
  const title = `socket ${index + 1}`;
  const isClient = initiating.startsWith(CLIENT);
  const left = isClient ? 'a client opens' : `${opener} opens`;
  const right = isClient
    ? `${other(opener)}, at its port for clients`
    : `${other(opener)} accepts${asks ? ', and is only asked' : ''}`;
  return `${left.padEnd(LEFT)}${title.padStart((MIDDLE + title.length) >> 1).padEnd(MIDDLE)}${right}`.replace(
    title,
    paint('cyan', title),
  );
}

function drawRung({ opener, said, acceptor }: Rung, paint: Paint): string {
  const width = Math.max(LEFT, opener.length + 1);
  const left = state(opener, paint) + ' '.repeat(width - opener.length);
  const right = state(acceptor, paint);
  if (said === null) return `${left}${' '.repeat(MIDDLE - (width - LEFT))}${right}`.trimEnd();
  const text = ` ${said.text} `;
  // The line is shortened by as much as the box on the left exceeds its column.
  const line = '─'.repeat(Math.max(1, MIDDLE - 3 - text.length - (width - LEFT)));
  const drawn = said.towards === 'right' ? `─${text}${line}▶` : `◀${line}${text}─`;
  return `${left}${paint('cyan', drawn)} ${right}`.trimEnd();
}

function state(text: string, paint: Paint): string {
  if (text.includes('✓')) return paint('green', text);
  if (text.includes('✗')) return paint('red', text);
  return text;
}

/** Both sides of a ladder without names and timing: of two with the same shape only one need be shown. */
function shapeOf(ladder: readonly Rung[]): string {
  const nameless = (text: string): string => text.replaceAll(/\b\w\.example\b/g, '·');
  return JSON.stringify([
    ladder
      .map(({ opener }) => opener)
      .filter((text) => text !== '')
      .map(nameless),
    ladder.flatMap(({ said }) => (said === null ? [] : [[said.towards, nameless(said.text)]])),
    ladder
      .map(({ acceptor }) => acceptor)
      .filter((text) => text !== '')
      .map(nameless),
  ]);
}

/** What clients found out, in the words of `xmpp-dna check`. */
function soughtLines({ sought }: Facts, paint: Paint): string[] {
  return sought.flatMap(({ domain, verdict }) => {
    const told = verdict === null ? 'nothing was found out' : verdict.explanation;
    return [
      INDENT + paint('bold', `a client of ${domain}`),
      ...wrap(told).map((line) => `${INDENT}  ${line}`),
      ...(verdict?.fix == null ? [] : wrap(`fix: ${verdict.fix}`).map((line) => `${INDENT}  ${paint('dim', line)}`)),
    ];
  });
}

/** One line per pair; pairs that got their stream in the same way share the line with their path. */
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
      ...wrap(path.replaceAll('→ ', '→\u00a0')).map((line) => `${INDENT}  ${paint('dim', line)}`),
      `${INDENT}  ${fate}`,
    ];
  });
}

function fateOf(facts: Facts, side: Side, pair: Message): string {
  const mine = facts.sent.filter((one) => samePair(one, pair));
  const returned = mine.flatMap(({ delivery }) => (delivery?.outcome === 'returned' ? [delivery.fault] : []));
  if (returned[0] !== undefined) {
    const { layer, condition, text } = returned[0];
    return `came back: ${layer} ${condition}${text === undefined ? '' : ` (${brief(text, MAX_REASON)})`}`;
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

/** Names in columns, as many per line as fit. */
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
