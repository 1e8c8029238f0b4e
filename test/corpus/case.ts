/** A case of the corpus: how it is produced, and what an expert would say about it. */
import assert from 'node:assert/strict';
import type { Explanation } from '../../src/trace/explain/explain.ts';
import { briefText } from '../../src/trace/attempt.ts';
import { join } from '../../src/trace/join/join.ts';
import { explained, type Provider, replayed, Stage } from './stage.ts';

export interface Expected {
  /** The state that waits; for a failure, the state of the stream, or of the pair if there was no stream. */
  readonly state: string;
  readonly mover: Explanation['mover'];
  /** Id of the diagnosis. */
  readonly diagnosis: string;
  readonly cause: RegExp;
  readonly fix: RegExp;
}

/** Identifies the explanation that is checked. */
export interface Produced {
  readonly at: Provider;
  /** @defaultValue `outgoing` */
  readonly direction?: Explanation['direction'];
  readonly local?: string;
  readonly remote?: string;
  /** An actor of its chain, needed where the pair has several explanations. */
  readonly actor?: string;
  /** The other end, whose trace is joined with this one's; its own half of the same negotiation is `incoming`. */
  readonly other?: Provider;
}

export interface Case {
  readonly name: string;
  readonly section: string;
  /** Why it cannot be produced here. */
  readonly skip?: string | null;
  readonly produce: (stage: Stage) => Promise<Produced>;
  /** It hangs, and is explained this much later, in milliseconds; absent if it has failed. */
  readonly lateMs?: number;
  /** Attempts go on after stanzas have been given up, and the explanation changes with them. */
  readonly goesOn?: boolean;
  readonly expect: Expected;
  /** What the other end says about it at the same moment. */
  readonly far?: Expected;
  /** What is said once every deadline has passed. */
  readonly over?: Expected;
  /** What is said about both traces together. */
  readonly joined?: { readonly id: string; readonly cause: RegExp; readonly fix: RegExp };
}

export interface Row {
  readonly name: string;
  readonly section: string;
  readonly told: Pick<Explanation, 'cause' | 'fix'> & {
    readonly state: string;
    readonly diagnosis: string;
    /** Null where two traces disagree: that finding has no mover. */
    readonly mover: Explanation['mover'] | null;
  };
  /**
   * The states that wait, from the stanza to the one that is explained, each as `chart.path`; empty after a failure.
   */
  readonly waits: readonly string[];
  readonly wrong: readonly string[];
}

/** Longer than anything usually takes, and shorter than any deadline. */
export const LATE_MS = 7_000;
/** More than the number of deadlines in a row. */
const ROUNDS = 40;

const stateOf = ({ failedIn, state }: Explanation): string => failedIn ?? state;

export async function play(one: Case): Promise<readonly Row[]> {
  const stage = await Stage.open();
  try {
    const produced = await one.produce(stage);
    const { other } = produced;
    const near = new Look(produced);
    const far = one.far === undefined || other === undefined ? null : new Look({ ...mirrored(produced), at: other });
    const { lateMs } = one;
    if (lateMs === undefined) {
      for (const look of [near, far]) await look?.until(stage, ({ fault }) => fault !== null);
    } else {
      await near.until(stage, ({ state }) => state === one.expect.state);
      await far?.until(stage, ({ state, fault }) => state === one.far?.state || fault !== null);
      await stage.pass(lateMs);
    }
    const rows = [rowOf(one, one.name, one.expect, near, await near.told())];
    if (far !== null && one.far !== undefined)
      rows.push(rowOf(one, `${one.name}, at the other end`, one.far, far, await far.told()));
    if (one.joined !== undefined && other !== undefined) rows.push(await joined(one, produced.at, other, one.joined));
    if (one.over !== undefined) {
      await untilOver(stage, near);
      rows.push(rowOf(one, `${one.name}, until the end`, one.over, near, await near.told()));
    }
    return rows;
  } finally {
    await stage.close();
  }
}

const mirrored = ({ local, remote }: Produced): Partial<Produced> => ({
  direction: 'incoming',
  ...(local === undefined ? {} : { remote: local }),
  ...(remote === undefined ? {} : { local: remote }),
});

/** One end's explanation of the negotiation. */
class Look {
  readonly #of: Produced;

  constructor(of: Produced) {
    this.#of = of;
  }

  get now(): Explanation | undefined {
    const { at, direction = 'outgoing', local, remote, actor } = this.#of;
    return at
      .explain()
      .find(
        (one) =>
          one.direction === direction &&
          one.local === (local ?? one.local) &&
          one.remote === (remote ?? one.remote) &&
          (actor === undefined || one.chain.some((link) => link.actor === actor)),
      );
  }

  until(stage: Stage, holds: (told: Explanation) => boolean): Promise<void> {
    return stage.until(
      () => {
        const { now } = this;
        return now !== undefined && holds(now);
      },
      () => JSON.stringify(this.#of.at.explain(), null, 1),
    );
  }

  /**
   * Differences between the explanation of a failed attempt and its history: a later look-up must find what was said
   * today.
   */
  remembered({ local, remote, direction, cause, fix }: Explanation): string[] {
    const attempts = this.#of.at.manager.view().attempts(remote);
    const last = attempts.findLast(
      ({ attempt }) => attempt.local === local && attempt.direction === direction,
    )?.attempt;
    if (last === undefined) return ['it is not remembered'];
    return [
      ...(last.cause === briefText(cause) ? [] : [`remembered otherwise: ${last.cause}`]),
      ...(last.fix === briefText(fix) ? [] : [`what to do is remembered otherwise: ${last.fix}`]),
    ];
  }

  /** The live explanation, after checking that the trace gives the same explanations for everything. */
  async told(): Promise<Explanation> {
    await explained(this.#of.at);
    const { now } = this;
    assert.ok(now !== undefined, 'it is told of');
    return now;
  }
}

function rowOf({ section, goesOn }: Case, name: string, expected: Expected, look: Look, told: Explanation): Row {
  const diagnosis = told.diagnosis ?? 'none';
  const isKept = told.fault !== null && told.remote !== '' && goesOn !== true;
  const remembered = isKept ? look.remembered(told) : [];
  const wrong = [
    ...(stateOf(told) === expected.state ? [] : [`state: ${expected.state} expected`]),
    ...(told.mover === expected.mover ? [] : [`mover: ${expected.mover} expected`]),
    ...(diagnosis === expected.diagnosis ? [] : [`diagnosis: ${expected.diagnosis} expected`]),
    ...(told.stuck ? [] : ['not stuck']),
    ...remembered,
    ...(expected.cause.test(told.cause) ? [] : [`cause: ${String(expected.cause)} expected`]),
    ...(expected.fix.test(told.fix) ? [] : [`fix: ${String(expected.fix)} expected`]),
  ];
  const { mover, cause, fix } = told;
  const waits = told.fault === null ? told.chain.filter(({ awaits }) => awaits !== null) : [];
  return {
    name,
    section,
    told: { state: stateOf(told), mover, cause, fix, diagnosis },
    waits: waits.map(({ machine, state: path }) => `${machine}.${path}`),
    wrong,
  };
}

async function joined(
  { name, section }: Case,
  at: Provider,
  other: Provider,
  expected: NonNullable<Case['joined']>,
): Promise<Row> {
  const apart = join(await replayed(at), await replayed(other));
  const found = apart.find(({ id }) => id === expected.id);
  const { cause = apart.map(({ id, cause }) => `${id}: ${cause}`).join(' '), fix = '' } = found ?? {};
  const wrong = [
    ...(found === undefined ? [`${expected.id} expected`] : []),
    ...(expected.cause.test(cause) ? [] : [`cause: ${String(expected.cause)} expected`]),
    ...(expected.fix.test(fix) ? [] : [`fix: ${String(expected.fix)} expected`]),
  ];
  const state = found?.id ?? 'none';
  return {
    name: `${name}, both traces`,
    section,
    told: { state, mover: null, cause, fix, diagnosis: state },
    waits: [],
    wrong,
  };
}

/** Lets one deadline after the other pass, until nobody waits any more. */
async function untilOver(stage: Stage, look: Look): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { now } = look;
    if (now === undefined || now.fault !== null) return;
    await stage.pass(1 + Math.max(1_000, (now.deadlineMs ?? 0) - now.atMs));
  }
}
