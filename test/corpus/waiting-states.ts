/**
 * Every state in which somebody else has to move, according to the charts, and the case in which that party stays
 * silent.
 */
import { allMachines } from '../support/all-charts.ts';
import { readChart, statesOf } from '../support/charts.ts';
import type { Row } from './case.ts';

/** Movers that are not on this machine. */
const STRANGERS: readonly unknown[] = ['peer', 'dns', 'web'];

/**
 * These states wait for another of our actors, which waits for the stranger: the explanation is about that actor. While
 * it lives, no case can make the explanation about these; they have to be in the chain of a case, before the explained
 * state.
 */
const PASSED_ON: Readonly<Record<string, string>> = {
  'association.challenge': 'the challenge on the stream waits for the proof',
  'association.dialback': 'its prooftype asks the authoritative server',
  'association.posh': 'its prooftype waits for the document',
  'dialbackProoftype.awaitingVerifyStream': 'the peer of the sender domain opens the stream',
  'initiatingStream.association.awaitingChallenge': 'its association waits for the challenge',
  'pair.awaitingRoute': 'the peer looks for a stream',
  'pair.piggybackingAssertion.awaitingAnswer': 'the assertion on the stream waits for the answer',
  'peer.connecting': 'the stream that it opens tells how far it has come',
  'peer.connectionReuse': 'the stream that is being opened to the same endpoint tells how far it has come',
  'peer.dnsResolution': 'the resolution asks the DNS',
  'verification.association': 'its association proves the sender domain',
};

export interface WaitingStates {
  /** One line for each state, with the case that explains it. */
  readonly silent: readonly string[];
  /** States that no case explains, and needless entries in the list above. */
  readonly unnamed: readonly string[];
}

export function waitingStates(rows: readonly Row[]): WaitingStates {
  const silent: string[] = [];
  const unnamed: string[] = [];
  const right = rows.filter(({ wrong }) => wrong.length === 0);
  const all = allMachines.flatMap(strangersIn);
  for (const state of all) {
    const reason = PASSED_ON[state];
    const told = right.find(({ waits }) => waits.at(-1) === state);
    const passed = right.find(({ waits }) => waits.slice(0, -1).includes(state));
    const shown = reason === undefined ? told : passed;
    if (shown === undefined)
      unnamed.push(`${state}: no case ${reason === undefined ? 'tells of it' : 'has it in its chain'}`);
    else silent.push(`${state}: ${shown.name}${reason === undefined ? '' : ` (passed on: ${reason})`}`);
    if (reason !== undefined && told !== undefined)
      unnamed.push(`${state}: is told of by "${told.name}", and needs no reason`);
  }
  unnamed.push(
    ...Object.keys(PASSED_ON).flatMap((state) => (all.includes(state) ? [] : [`${state}: no chart has it`])),
  );
  return { silent, unnamed };
}

const strangersIn = (machine: (typeof allMachines)[number]): readonly string[] =>
  [...statesOf(readChart(machine).root)]
    .filter(({ meta }) => STRANGERS.includes(meta.mover))
    .map(({ path }) => `${machine.id}.${path}`);
