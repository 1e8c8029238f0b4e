/** One socket as a ladder: the boxes that each end passes, and between them what they say to prove themselves. */
import type { AssociationOutcome, VerificationOutcome } from '../../machines/events.ts';
import type { WireElement } from '../protocol/wire.ts';
import { answerText, type Facts, proofText, type Seen, wireName } from './facts.ts';
import { boxOf, isOwnTransition, other, type SocketEnds } from './paths.ts';

/** `said` goes from the end that opened the socket to the other (`right`), or back (`left`). */
export interface Rung {
  readonly opener: string;
  readonly said: { readonly towards: 'right' | 'left'; readonly text: string } | null;
  readonly acceptor: string;
}

type End = 'opener' | 'acceptor';

/** Elements that say no more than the boxes do. */
const SILENT: ReadonlySet<WireElement['kind']> = new Set(['streamHeader', 'features', 'starttls', 'proceed']);

export function ladderOf({ timeline }: Pick<Facts, 'timeline'>, socket: SocketEnds): Rung[] {
  const rungs: Rung[] = [];
  const last: Record<End, string> = { opener: '', acceptor: '' };

  const write = (end: End, text: string): void => {
    const previous = rungs.at(-1);
    // Both ends stand side by side where nothing was said between.
    if (previous !== undefined && previous.said === null && previous[end] === '') {
      rungs[rungs.length - 1] = { ...previous, [end]: text };
    } else {
      rungs.push({ opener: '', said: null, acceptor: '', [end]: text });
    }
  };

  const moved = (end: End, box: string): void => {
    if (box === last[end]) return;
    // A box is not told apart from the one inside that it leads to, if nothing happened in between.
    const previous = rungs.at(-1);
    if (previous !== undefined && previous[end] === last[end] && box.startsWith(`${last[end]}.`) && last[end] !== '') {
      rungs[rungs.length - 1] = { ...previous, [end]: box };
    } else {
      write(end, box);
    }
    last[end] = box;
  };

  for (const seen of timeline) {
    const end = endOf(seen, socket);
    if (end === null) continue;
    const { record } = seen;
    if (isOwnTransition(record)) {
      moved(end, boxOf(record.states));
    } else if (record.kind === 'wire' && record.direction === 'out' && !SILENT.has(record.element.kind)) {
      const said = { towards: end === 'opener' ? ('right' as const) : ('left' as const), text: spoken(record.element) };
      rungs.push({ opener: '', said, acceptor: '' });
    } else if (record.kind === 'report') {
      const verdict = verdictIn(record.report);
      if (verdict !== null) write(end, verdict);
    }
  }
  return rungs;
}

function endOf({ at, record }: Seen, { opener, initiating, receiving }: SocketEnds): End | null {
  if (at === opener && record.actor === initiating) return 'opener';
  return at === other(opener) && record.actor === receiving ? 'acceptor' : null;
}

function spoken(element: WireElement): string {
  if (element.kind !== 'result' && element.kind !== 'verify') return wireName(element);
  const { from, to } = element;
  return `${wireName(element)}  ${from} → ${to}`;
}

function verdictIn(report: { readonly type: string }): string | null {
  if (report.type === 'association.settled') {
    const { outcome } = report as unknown as { outcome: AssociationOutcome }; // records carry reports as they are
    const { domain, verdict } = outcome;
    return verdict.kind === 'proved'
      ? `  ✓ ${domain} by ${proofText(verdict)}`
      : `  ✗ ${domain} ${verdict.kind}: ${verdict.fault.layer} ${verdict.fault.condition}`;
  }
  if (report.type === 'verification.settled') {
    const { outcome } = report as unknown as { outcome: VerificationOutcome };
    const { from, proof, answer } = outcome;
    return proof === null ? `  ✗ ${from}: ${answerText(answer)}` : `  ✓ ${from} by ${proofText(proof)}`;
  }
  return null;
}
