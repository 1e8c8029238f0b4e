/** The types of the charts' inputs and outputs. Checked by `npm run types`; nothing here runs. */
import { expectTypeOf } from 'expect-type';
import { type EmittedFrom, type EventFrom, fromCallback, fromPromise, type InputFrom, type OutputFrom } from 'xstate';
import {
  type AddressRecord,
  assertion,
  type AssertionOutcome,
  association,
  type AssociationInput,
  type AssociationOutcome,
  decide,
  type Decision,
  type DialbackAnswer,
  type DialbackInput,
  dialbackProoftype,
  type DnsAnswer,
  type DomainPair,
  type Endpoint,
  type Fault,
  initiatingStream,
  type Mover,
  pair,
  type PairEvent,
  type PairInput,
  type PairReport,
  type PathVerdict,
  peer,
  type PeerActorEvent,
  type PeerInput,
  type PeerReport,
  type PkixInput,
  pkixProoftype,
  type PolicyOptions,
  type ProofVerdict,
  receivingStream,
  type Resolution,
  resolution,
  type ResolutionInput,
  type Service,
  type ServiceRecords,
  setOf,
  type StandingStream,
  type StateMeta,
  type StreamContext,
  type StreamInput,
  type StreamReport,
  type StreamId,
  type StreamPurpose,
  type StreamSettings,
  type TransportCommand,
  type TransportInput,
  verification,
  type VerificationInput,
  type VerificationOutcome,
  type VerifyStream,
} from '../../machines/index.ts';
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

// Prooftypes differ in what they ask, never in how they answer: three verdicts.
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

// ——— their requests to the outside world can be provided with the types of `xmpp-dna/machines` alone
const why: Fault = { layer: 'dns', condition: 'lookup-failed', origin: 'dns' };
expectTypeOf<StreamSettings['policy']>().toEqualTypeOf<PolicyOptions>();
const provedByPath = pkixProoftype.provide({
  actors: {
    validatePath: fromPromise<PathVerdict, { stream: StreamId }>(() =>
      Promise.resolve({ kind: 'invalid', condition: 'expired', text: why.condition, depth: 0 }),
    ),
  },
});
const provedByKey = dialbackProoftype.provide({
  actors: {
    openVerifyStream: fromPromise<VerifyStream, { sender: string; target: string; askedOn: StreamId }>(() =>
      Promise.resolve({ stream: 2, peerSha256: null }),
    ),
    askAuthoritativeServer: fromPromise<DialbackAnswer, DomainPair & { stream: StreamId; id: string; key: string }>(
      () => Promise.resolve({ type: 'valid' }),
    ),
  },
});
type LookUp = { fresh: boolean; purpose: StreamPurpose };
const noServices: ServiceRecords['xmpp'] = { status: 'nodata-insecure', records: [], ttlSeconds: 0 };
const resolving = resolution.provide({
  actors: {
    lookUpServices: fromPromise<ServiceRecords, LookUp & { domain: string; service: Service }>(() =>
      Promise.resolve({ xmpp: noServices, xmpps: noServices, draws: [], atMs: 0 }),
    ),
    lookUpAddresses: fromPromise<DnsAnswer<AddressRecord>, LookUp & { host: string }>(() =>
      Promise.resolve({ status: 'insecure', records: [{ family: 4, address: '127.0.0.1' }], ttlSeconds: 60 }),
    ),
  },
});
type Search = { remote: string; purpose: StreamPurpose; endpoints: readonly Endpoint[]; avoid: readonly StreamId[] };
const findStandingStream = fromPromise<StandingStream | null, Search>(() => Promise.resolve(null));
const proving = association.provide({ actors: { pkixProoftype: provedByPath, dialbackProoftype: provedByKey } });
const streamActors = {
  transport: fromCallback<TransportCommand, TransportInput>(() => undefined),
  association: proving,
  verification: verification.provide({ actors: { association: proving } }),
};
expectTypeOf(peer.provide({ actors: { resolution: resolving, findStandingStream } })).toEqualTypeOf<typeof peer>();
expectTypeOf(initiatingStream.provide({ actors: streamActors })).toEqualTypeOf<typeof initiatingStream>();
expectTypeOf(receivingStream.provide({ actors: streamActors })).toEqualTypeOf<typeof receivingStream>();

// ——— a chart whose answer is no longer wanted is stopped: it accepts no other event
expectTypeOf<EventFrom<typeof verification | typeof resolution>['type']>().toEqualTypeOf<never>();
expectTypeOf<EventFrom<typeof pkixProoftype | typeof dialbackProoftype>['type']>().toEqualTypeOf<never>();

// ——— failures.ts is total, and all states describe themselves in the same form
expectTypeOf(decide).parameters.toEqualTypeOf<[fault: Fault]>();
expectTypeOf(decide).returns.toEqualTypeOf<Decision>();
expectTypeOf<NonNullable<StateMeta['mover']>>().toEqualTypeOf<Mover>();

// ——— the tables of states and events: a missing cell does not compile
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
