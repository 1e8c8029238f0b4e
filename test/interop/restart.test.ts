/**
 * A server is killed or stopped, and started again while our component keeps sending (L1, L6): traffic resumes by
 * itself, and every stanza is answered or returned; the outcome of what was on a broken stream is unknown, and reported
 * as such.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ComponentClient } from '../support/component-client.ts';
import { ejabberdMissing } from '../support/ejabberd.ts';
import { prosodyMissing } from '../support/prosody.ts';
import { attach, delivers, during, serve, Stage, type Kind } from './stage.ts';

const EVERY_MS = 5;
const missing: Record<Kind, string | null> = { Prosody: prosodyMissing(), ejabberd: ejabberdMissing() };

describe('restarts of real servers', { timeout: 600_000 }, () => {
  let stage: Stage;
  before(async () => (stage = await Stage.open()));
  after(() => stage.close());

  for (const [kind, how] of [
    ['Prosody', 'killed'],
    ['Prosody', 'stopped'],
    ['ejabberd', 'killed'],
  ] as const) {
    const skip = missing[kind] === null ? false : `${kind}: ${missing[kind]}`;

    test(
      `${kind} is ${how} and started again: traffic resumes by itself, every iq is answered or returned, but those on the stream that broke (L1, L6)`,
      { skip },
      async () => {
        const [theirs, ours] = await Promise.all([
          stage.theirs(kind),
          stage.ours({ eku: ['serverAuth', 'clientAuth'] }),
        ]);
        await during([theirs, ours], async () => {
          const load = new Load(ours.component, theirs.component.domain);
          void serve(theirs.component);
          await load.untilAnswered(20);

          const brokenAt = load.sent;
          const answeredBefore = load.outcomes.answered;
          if (how === 'killed') await theirs.server.kill();
          await Promise.all([theirs.server.restart(), load.untilReturned()]);
          const again = await attach(theirs.server.ports.component, theirs.component.domain);
          void serve(again);
          const back = load.sent;
          await load.untilAnswered(20, back);

          const vanished = await load.settle();
          const { answered, returned } = load.outcomes;
          process.stdout.write(
            `${kind} ${how} after ${brokenAt} of ${load.sent} iqs: ${answered} answered, ${returned} returned, ` +
              `${vanished.length} unknown: ${vanished.join(' ') || 'none'}\n`,
          );
          // Only what was on the stream when it broke is unknown: one run without gaps, before the first returned
          // stanza.
          const [first = brokenAt] = vanished;
          assert.deepEqual(
            vanished,
            Array.from(vanished, (_, index) => first + index),
          );
          assert.ok(first + vanished.length <= load.firstReturned, 'nothing vanishes once a stanza was returned');
          // Answers come in order: anything answered before the stream broke did not vanish with it.
          assert.ok(first >= answeredBefore, `number ${first} was answered before the stream broke`);
          // And it was reported: at least as many as were sent and never answered.
          const said = [
            ...ours.daemon.log().matchAll(/what became of the last (\d+) stanzas written to it is unknown/g),
          ];
          const counted = said.reduce((sum, [, count]) => sum + Number(count), 0);
          assert.ok(counted >= vanished.length, `${vanished.length} vanished, and the daemon speaks of ${counted}`);
          await delivers(again, ours.component);
          await again.close();
        });
      },
    );
  }
});

/** Numbered iqs from a component, one every few milliseconds, and the outcome of each. */
class Load {
  readonly #from: ComponentClient;
  readonly #to: string;
  readonly #timer: NodeJS.Timeout;
  sent = 0;

  constructor(from: ComponentClient, to: string) {
    this.#from = from;
    this.#to = to;
    this.#timer = setInterval(() => this.#send(), EVERY_MS);
  }

  get outcomes(): { answered: number; returned: number } {
    const types = this.#from.received
      .filter((s) => numberOf(s.attrs['id']) !== null)
      .map((s) => s.attrs['type'] as string);
    return {
      answered: types.filter((type) => type === 'result').length,
      returned: types.filter((type) => type === 'error').length,
    };
  }

  /** Resolves when `count` iqs sent after number `behind` are answered. */
  async untilAnswered(count: number, behind = 0): Promise<void> {
    const seen = new Set<string>();
    await this.#from.waitFor((stanza) => {
      const number = numberOf(stanza.attrs['id']);
      if (number !== null && number > behind && stanza.attrs['type'] === 'result') seen.add(String(number));
      return seen.size >= count;
    }, 30_000);
  }

  /** Number of the first iq that came back with an error. */
  get firstReturned(): number {
    const back = this.#from.received
      .filter((stanza) => stanza.attrs['type'] === 'error')
      .map((s) => numberOf(s.attrs['id']));
    return Math.min(...back.filter((number) => number !== null));
  }

  async untilReturned(): Promise<void> {
    await this.#from.waitFor((s) => numberOf(s.attrs['id']) !== null && s.attrs['type'] === 'error', 30_000);
  }

  /**
   * Stops sending, waits for the answer to the last iq, before which all others have been answered in order (S7), and
   * returns the numbers that are missing.
   */
  async settle(): Promise<number[]> {
    clearInterval(this.#timer);
    this.#send();
    await this.untilAnswered(1, this.sent - 1);
    const settled = new Set(this.#from.received.map((stanza) => numberOf(stanza.attrs['id'])));
    return Array.from({ length: this.sent }, (_, index) => index + 1).filter((number) => !settled.has(number));
  }

  #send(): void {
    this.sent += 1;
    this.#from.send(
      `<iq type='get' id='load-${this.sent}' from='${this.#from.domain}' to='${this.#to}'><ping xmlns='urn:xmpp:ping'/></iq>`,
    );
  }
}

const numberOf = (id: unknown): number | null => {
  const match = /^load-(\d+)$/.exec(String(id));
  return match === null ? null : Number(match[1]);
};
