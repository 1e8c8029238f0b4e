/** What goes into the charts and comes out of them. Checked by `npm run types`; nothing here runs. */
import { expectTypeOf } from 'expect-type';
import type { EmittedFrom, EventFrom, InputFrom, OutputFrom } from 'xstate';
import {
  assertion,
  type AssertionOutcome,
  association,
  type AssociationInput,
  type AssociationOutcome,
  decide,
  type Decision,
  type DialbackInput,
  dialbackProoftype,
  type DomainPair,
  initiatingStream,
  type Mover,
  pair,
  type PairEvent,
  type PairInput,
  type PairReport,
  peer,
  type PeerActorEvent,
  type PeerInput,
  type PeerReport,
  type PkixInput,
  pkixProoftype,
  receivingStream,
  type Resolution,
  resolution,
  type ResolutionInput,
  setOf,
  type StateMeta,
  type StreamContext,
  type StreamInput,
  type StreamReport,
  type StreamSettings,
  verification,
  type VerificationInput,
  type VerificationOutcome,
} from '../../machines/index.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import type { ProofVerdict } from '../../src/protocol/proof.ts';
import type { RestingState } from '../support/pure.ts';
import type { MachineTable } from '../support/tables.ts';

// ——— one question, one answer
expectTypeOf<InputFrom<typeof assertion>>().toEqualTypeOf<DomainPair>();
expectTypeOf<OutputFrom<typeof assertion>>().toEqualTypeOf<AssertionOutcome>();
expectTypeOf<InputFrom<typeof association>>().toEqualTypeOf<AssociationInput>();
expectTypeOf<OutputFrom<typeof association>>().toEqualTypeOf<AssociationOutcome>();
expectTypeOf<InputFrom<typeof verification>>().toEqualTypeOf<VerificationInput>();
expectTypeOf<OutputFrom<typeof verification>>().toEqualTypeOf<VerificationOutcome>();
expectTypeOf<OutputFrom<typeof resolution>>().toEqualTypeOf<Resolution>();

// Prooftypes differ in what they ask, never in how they answer: three verdicts (STYLE, Words).
expectTypeOf<InputFrom<typeof pkixProoftype>>().toEqualTypeOf<PkixInput>();
expectTypeOf<InputFrom<typeof dialbackProoftype>>().toEqualTypeOf<DialbackInput>();
expectTypeOf<OutputFrom<typeof pkixProoftype>>().toEqualTypeOf<ProofVerdict>();
expectTypeOf<OutputFrom<typeof dialbackProoftype>>().toEqualTypeOf<ProofVerdict>();
expectTypeOf<ProofVerdict['kind']>().toEqualTypeOf<'proved' | 'refuted' | 'undetermined'>();

expectTypeOf<InputFrom<typeof resolution>>().toEqualTypeOf<ResolutionInput>();

// ——— roots: events in, reports out
expectTypeOf<InputFrom<typeof initiatingStream>>().toEqualTypeOf<StreamInput>();
expectTypeOf<InputFrom<typeof receivingStream>>().toEqualTypeOf<StreamInput>();
expectTypeOf<EmittedFrom<typeof initiatingStream>>().toEqualTypeOf<StreamReport>();
expectTypeOf<EmittedFrom<typeof receivingStream>>().toEqualTypeOf<StreamReport>();
expectTypeOf<EventFrom<typeof pair>>().toEqualTypeOf<PairEvent>();
expectTypeOf<EmittedFrom<typeof pair>>().toEqualTypeOf<PairReport>();
expectTypeOf<InputFrom<typeof pair>>().toEqualTypeOf<PairInput>();
expectTypeOf<StreamContext>().toExtend<StreamInput>();
expectTypeOf<StreamSettings['hosted']>().toEqualTypeOf<ReturnType<typeof setOf>>();
expectTypeOf<InputFrom<typeof peer>>().toEqualTypeOf<PeerInput>();
expectTypeOf<EventFrom<typeof peer>>().toEqualTypeOf<PeerActorEvent>();
expectTypeOf<EmittedFrom<typeof peer>>().toEqualTypeOf<PeerReport>();

// ——— failures.ts is total, and what a state says of itself has one shape
expectTypeOf(decide).parameters.toEqualTypeOf<[fault: Fault]>();
expectTypeOf(decide).returns.toEqualTypeOf<Decision>();
expectTypeOf<NonNullable<StateMeta['mover']>>().toEqualTypeOf<Mover>();

// ——— the tables of states and events: what is missing does not compile
expectTypeOf<RestingState<typeof assertion>>().toEqualTypeOf<
  'awaitingAnswer' | 'valid' | 'invalid' | 'refused' | 'late'
>();
type Table = MachineTable<typeof assertion, { 'peer.resultAnswered': { type: string } }, never>['table'];
type Row = Table['awaitingAnswer'];
expectTypeOf<Omit<Table, 'late'>>().not.toExtend<Table>();
expectTypeOf<{ late: '-' }>().not.toExtend<Row>();
expectTypeOf<{ 'peer.resultAnswered': ['valid', 'say x']; late: ['late'] }>().toExtend<Row>();
expectTypeOf<{ 'peer.resultAnswered': ['elsewhere']; late: ['late'] }>().not.toExtend<Row>();
type Events = MachineTable<typeof assertion, Record<string, { type: string }>, never>['events'];
expectTypeOf<{ other: { type: string } }>().not.toExtend<Events>();
