/** What a case of the corpus is: how it is produced, and what an expert would say of it. */
import assert from 'node:assert/strict';
import type { Explanation } from '../../src/trace/explain.ts';
import { join } from '../../src/trace/join.ts';
import { explained, type Provider, replayed, Stage } from './stage.ts';

export interface Expected {
  /** Where it waits, or, of what has failed, where the stream stood; of the pair where there was none. */
  readonly state: string;
  readonly mover: Explanation['mover'];
  /** Id of the diagnosis. */
  readonly diagnosis: string;
  readonly cause: RegExp;
  readonly fix: RegExp;
}

/** Whose explanation is looked at. */
export interface Produced {
  readonly at: Provider;
  /** @defaultValue `outgoing` */
  readonly direction?: Explanation['direction'];
  readonly local?: string;
  readonly remote?: string;
  /** The other end, whose trace is joined with this one's. */
  readonly other?: Provider;
}

export interface Case {
  readonly name: string;
  readonly section: string;
  /** Why it cannot be produced here. */
  readonly skip?: string | null;
  readonly produce: (stage: Stage) => Promise<Produced>;
  /** It hangs, and so much later it is explained, in milliseconds; absent: it has failed. */
  readonly lateMs?: number;
  readonly expect: Expected;
  /** What is said once every deadline has passed. */
  readonly over?: Expected;
  /** What is told of both traces together. */
  readonly joined?: { readonly id: string; readonly cause: RegExp; readonly fix: RegExp };
}

export interface Row {
  readonly name: string;
  readonly section: string;
  readonly told: Pick<Explanation, 'mover' | 'cause' | 'fix'> & { readonly state: string; readonly diagnosis: string };
  readonly wrong: readonly string[];
}

/** More than is usual for anybody, and less than any deadline. */
export const LATE_MS = 7_000;
/** More deadlines than stand one behind the other. */
const ROUNDS = 40;

const stateOf = ({ failedIn, state }: Explanation): string => failedIn ?? state;

export async function play(one: Case): Promise<readonly Row[]> {
  const stage = new Stage();
  try {
    const produced = await one.produce(stage);
    const seen = (): readonly Explanation[] =>
      produced.at
        .explain()
        .filter(
          ({ direction, local, remote }) =>
            direction === (produced.direction ?? 'outgoing') &&
            local === (produced.local ?? local) &&
            remote === (produced.remote ?? remote),
        );
    const told = (): string => JSON.stringify(produced.at.explain(), null, 1);
    const { lateMs } = one;
    if (lateMs === undefined) await stage.until(() => seen().some(({ fault }) => fault !== null), told);
    else {
      await stage.until(() => seen().some(({ state }) => state === one.expect.state), told);
      await stage.pass(lateMs);
    }
    const rows = [rowOf(one, one.name, one.expect, await only(produced, seen))];
    if (one.joined !== undefined && produced.other !== undefined) rows.push(await joined(one, produced, one.joined));
    if (one.over !== undefined) {
      await untilOver(stage, seen);
      rows.push(rowOf(one, `${one.name}, until the end`, one.over, await only(produced, seen)));
    }
    return rows;
  } finally {
    await stage.close();
  }
}

/** That what is looked at is one, and the same in the trace. */
async function only({ at }: Produced, seen: () => readonly Explanation[]): Promise<Explanation> {
  await explained(at);
  const found = seen();
  const [first] = found;
  assert.ok(first !== undefined, 'it is told of');
  return first;
}

function rowOf({ section }: Case, name: string, expected: Expected, told: Explanation): Row {
  const diagnosis = told.diagnosis ?? 'none';
  const wrong = [
    ...(stateOf(told) === expected.state ? [] : [`state: ${expected.state} expected`]),
    ...(told.mover === expected.mover ? [] : [`mover: ${expected.mover} expected`]),
    ...(diagnosis === expected.diagnosis ? [] : [`diagnosis: ${expected.diagnosis} expected`]),
    ...(told.stuck ? [] : ['not stuck']),
    ...(expected.cause.test(told.cause) ? [] : [`cause: ${String(expected.cause)} expected`]),
    ...(expected.fix.test(told.fix) ? [] : [`fix: ${String(expected.fix)} expected`]),
  ];
  const { mover, cause, fix } = told;
  return { name, section, told: { state: stateOf(told), mover, cause, fix, diagnosis }, wrong };
}

async function joined(
  { name, section }: Case,
  { at, other }: Produced,
  expected: NonNullable<Case['joined']>,
): Promise<Row> {
  assert.ok(other !== undefined);
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
    told: { state, mover: 'operator', cause, fix, diagnosis: state },
    wrong,
  };
}

/** Lets every deadline pass, one after the other, until nobody waits any more. */
async function untilOver(stage: Stage, seen: () => readonly Explanation[]): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const [first] = seen();
    if (first === undefined || first.fault !== null) return;
    await stage.pass(1 + Math.max(1_000, (first.deadlineMs ?? 0) - first.atMs));
  }
}
