/**
 * One socket as a ladder: the boxes that each end passes through, and between them the elements they exchange as proof.
 */
import type { AssociationOutcome, VerificationOutcome } from '../../machines/events.ts';
import type { WireElement } from '../protocol/wire.ts';
import { answerText, type Facts, proofText, type Seen, wireName } from './facts.ts';
import { boxOf, other, type SocketEnds, statesIn } from './paths.ts';

/** `said` goes from the end that opened the socket to the other (`right`), or back (`left`). */
export interface Rung {
  readonly opener: string;
  readonly said: { readonly towards: 'right' | 'left'; readonly text: string } | null;
  readonly acceptor: string;
}

type End = 'opener' | 'acceptor';

/** Elements that add nothing to what the boxes say. */
const SILENT: ReadonlySet<WireElement['kind']> = new Set(['streamHeader', 'features', 'starttls', 'proceed']);

export function ladderOf({ timeline }: Pick<Facts, 'timeline'>, socket: SocketEnds): Rung[] {
  const ladder = new Ladder();
  for (const seen of timeline) {
    const end = endOf(seen, socket);
    if (end === null) continue;
    const { record } = seen;
    for (const states of statesIn(record)) ladder.moved(end, boxOf(states));
    if (record.kind === 'wire' && record.direction === 'out' && !SILENT.has(record.element.kind)) {
      ladder.said(end, spoken(record.element));
    } else if (record.kind === 'report') {
      const verdict = verdictIn(record.report);
      if (verdict !== null) ladder.judged(end, verdict);
    }
  }
  return ladder.rungs;
}

/** Builds as few rungs as the order of events allows. */
class Ladder {
  readonly rungs: Rung[] = [];
  readonly #box: Record<End, string> = { opener: '', acceptor: '' };

  moved(end: End, box: string): void {
    const from = this.#box[end];
    if (box === from || box === 'established.lingering') return;
    this.#box[end] = box;
    const last = this.rungs.at(-1);
    // A box is merged with the inner box that it leads to, if nothing happened in between.
    if (last !== undefined && from !== '' && last[end] === from && box.startsWith(`${from}.`)) {
      this.rungs[this.rungs.length - 1] = { ...last, [end]: box };
    } else {
      this.#write(end, box);
    }
  }

  said(end: End, text: string): void {
    const said = { towards: end === 'opener' ? ('right' as const) : ('left' as const), text };
    const last = this.rungs.at(-1);
    if (last !== undefined && last.said === null && last[end] !== '') {
      this.rungs[this.rungs.length - 1] = { ...last, said };
    } else {
      this.rungs.push({ opener: '', said, acceptor: '' });
    }
  }

  /** A verdict on the far end is shown beside the box in which it was awaited; any other gets a rung of its own. */
  judged(end: End, { proved, domain, text }: Verdict): void {
    const mark = proved ? '✓' : '✗';
    const at = this.rungs.findLastIndex((rung) => rung[end] === 'association');
    const rung = this.rungs[at];
    if (rung !== undefined) this.rungs[at] = { ...rung, [end]: `association ${mark} ${text}` };
    // Beside the answer that follows, not the assertion that came before.
    else this.rungs.push({ opener: '', said: null, acceptor: '', [end]: `${mark} ${domain}: ${text}` });
  }

  #write(end: End, text: string): void {
    const last = this.rungs.at(-1);
    const isReached = last?.said?.towards === (end === 'opener' ? 'left' : 'right');
    if (last !== undefined && last[end] === '' && (last.said === null || isReached)) {
      this.rungs[this.rungs.length - 1] = { ...last, [end]: text };
    } else {
      this.rungs.push({ opener: '', said: null, acceptor: '', [end]: text });
    }
  }
}

function endOf({ at, record }: Seen, { opener, initiating, receiving }: SocketEnds): End | null {
  if (at === opener && record.actor === initiating) return 'opener';
  return at === other(opener) && record.actor === receiving ? 'acceptor' : null;
}

function spoken(element: WireElement): string {
  if (element.kind !== 'result' && element.kind !== 'verify') return wireName(element);
  const { from, to, answer } = element;
  const what = answer === null ? '' : ` ${answer.type === 'error' ? answer.condition : answer.type}`;
  return `db:${element.kind}${what}, ${from} → ${to}`;
}

interface Verdict {
  readonly proved: boolean;
  readonly domain: string;
  readonly text: string;
}

function verdictIn(report: { readonly type: string }): Verdict | null {
  if (report.type === 'association.settled') {
    const { outcome } = report as unknown as { outcome: AssociationOutcome }; // records carry reports unchanged
    const { domain, verdict } = outcome;
    const proved = verdict.kind === 'proved';
    return { proved, domain, text: proved ? proofText(verdict) : `${verdict.fault.layer}, ${verdict.fault.condition}` };
  }
  if (report.type === 'verification.settled') {
    const { outcome } = report as unknown as { outcome: VerificationOutcome };
    const { from: domain, proof, answer } = outcome;
    return { proved: proof !== null, domain, text: proof === null ? answerText(answer) : proofText(proof) };
  }
  return null;
}
