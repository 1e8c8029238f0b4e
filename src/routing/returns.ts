/**
 * Returns stanzas that are not sent to their sender, with the stanza error that applies (RFC 6120 §10.4; invariant L1).
 */
import { Subject, type Observable } from 'rxjs';
import type { Fault } from '../protocol/faults.ts';
import { stanzaErrorType, type StanzaErrorCondition } from '../protocol/conditions.ts';
import type { Stanza } from '../protocol/stanza.ts';
import type { Later } from './later.ts';
import type { Returned, RouterCounters, Settle } from './types.ts';

export type Counters = { -readonly [K in keyof RouterCounters]: RouterCounters[K] };

export class Returns {
  readonly #later: Later;
  readonly #counters: Counters;
  readonly #returned = new Subject<Returned>();
  readonly returned$: Observable<Returned> = this.#returned.asObservable();

  constructor(later: Later, counters: Counters) {
    this.#later = later;
    this.#counters = counters;
  }

  /**
   * Returns `stanza` in a fresh task: `settle` gets the outcome, then `answer` the stanza error, unless none may be
   * sent.
   */
  giveBack(
    stanza: Stanza,
    what: Fault,
    condition: StanzaErrorCondition,
    settle: Settle | null,
    answer: (reply: Stanza) => void,
  ): void {
    this.#later.add(() => {
      // Network error texts reveal which hosts and ports answer: they are for the log, not for users.
      const text = what.layer === 'tcp' ? undefined : what.text;
      const reply = stanza.errorReply(condition, stanzaErrorType(condition), text);
      if (reply === null) this.#counters.dropped += 1;
      else this.#counters.returned += 1;
      settle?.({ outcome: 'returned', fault: what, reply });
      this.#returned.next({ stanza, fault: what });
      if (reply !== null) answer(reply);
    });
  }
}
