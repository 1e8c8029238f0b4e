/** The public types of the package, as embedders see them. Checked by `npm run types`; nothing here runs. */
import type { Element } from '@xmpp/xml';
import { expectTypeOf } from 'expect-type';
import type { Observable } from 'rxjs';
import type { PromiseActorLogic } from 'xstate';
import type {
  Clock,
  ConnectionManager,
  DnaProofs,
  DnaProofJudge,
  Delivery,
  Fault,
  LimitOptions,
  ListeningAt,
  LocalRouting,
  ManagerOptions,
  ManagerSnapshot,
  Network,
  Outlet,
  PathValidator,
  PolicyOptions,
  Ports,
  PoshSource,
  Prooftype,
  ProoftypeAnswers,
  ProoftypeLogic,
  ProoftypePorts,
  ProoftypeQuestion,
  ProoftypeVerdict,
  Random,
  ReportRecord,
  Resolver,
  Stanza,
  StreamView,
  TraceRecord,
} from '../../src/index.ts';

// ——— the manager
expectTypeOf<ConstructorParameters<typeof ConnectionManager>>().toEqualTypeOf<
  [options: ManagerOptions, ports: Ports]
>();
expectTypeOf<ConnectionManager['start']>().returns.toEqualTypeOf<Promise<void>>();
expectTypeOf<ConnectionManager['stop']>().parameters.toEqualTypeOf<[deadlineMs?: number | undefined]>();
expectTypeOf<ConnectionManager['send']>().parameters.toEqualTypeOf<[stanza: Stanza | Element]>();
expectTypeOf<ConnectionManager['send']>().returns.toEqualTypeOf<Promise<Delivery>>();
expectTypeOf<ConnectionManager['attach']>().parameters.toEqualTypeOf<[domains: readonly string[], outlet: Outlet]>();
expectTypeOf<ConnectionManager['attach']>().returns.toEqualTypeOf<() => void>();
expectTypeOf<ConnectionManager['setPolicy']>().parameters.toEqualTypeOf<[policy: PolicyOptions]>();
expectTypeOf<ConnectionManager['router']>().toEqualTypeOf<LocalRouting>();
// The tables belong to the manager: nobody can admit or route a pair from outside.
expectTypeOf<keyof LocalRouting>().toEqualTypeOf<
  'attach' | 'attachedTo' | 'inject' | 'batch' | 'outletDrained' | 'forgetInlet' | 'counters' | 'returned$'
>();
expectTypeOf<ConnectionManager['listening']>().toEqualTypeOf<readonly ListeningAt[]>();
expectTypeOf<ConnectionManager['snapshot']>().returns.toEqualTypeOf<ManagerSnapshot>();
expectTypeOf<ManagerSnapshot['streams'][number]>().toEqualTypeOf<StreamView>();
expectTypeOf<StreamView['role']>().toEqualTypeOf<'initiating' | 'receiving'>();

// Observables, never subjects: nobody can emit from outside.
expectTypeOf<ConnectionManager['stanzas$']>().toEqualTypeOf<Observable<Stanza>>();
expectTypeOf<ConnectionManager['records$']>().toEqualTypeOf<Observable<TraceRecord>>();
expectTypeOf<ConnectionManager['reports$']>().toEqualTypeOf<Observable<ReportRecord>>();
expectTypeOf<'next' extends keyof ConnectionManager['stanzas$'] ? true : false>().toEqualTypeOf<false>();

// ——— options: only the hosts are required
expectTypeOf<{ hosts: Record<string, null> }>().toExtend<ManagerOptions>();
expectTypeOf<object>().not.toExtend<ManagerOptions>();
expectTypeOf<Required<ManagerOptions>['policy']>().toEqualTypeOf<PolicyOptions>();
expectTypeOf<PolicyOptions['federation']>().toEqualTypeOf<
  'permissive' | 'verified' | 'encrypted' | 'authenticated' | undefined
>();
expectTypeOf<PolicyOptions['minTls']>().toEqualTypeOf<'1.2' | '1.3' | undefined>();
expectTypeOf<{ federation: 'trusted' }>().not.toExtend<PolicyOptions>();
// Settings that are fixed for one domain make no sense for all.
expectTypeOf<'target' extends keyof PolicyOptions ? true : false>().toEqualTypeOf<false>();
expectTypeOf<keyof LimitOptions>().toEqualTypeOf<
  'stanzaBytes' | 'preAuthBytes' | 'queueStanzas' | 'queueBytes' | 'bytesPerSecond' | 'connectionsPerSecond'
>();

// ——— the ports are the manager's only access to the world
expectTypeOf<Ports>().toEqualTypeOf<{
  readonly network: Network;
  readonly resolver: Resolver;
  readonly pathValidator: PathValidator;
  readonly posh?: PoshSource;
  readonly dnaProofs?: DnaProofJudge;
  readonly clock: Clock;
  readonly random: Random;
}>();

// ——— the outcome of a stanza (L1): three values, each with its required details
expectTypeOf<Delivery['outcome']>().toEqualTypeOf<'sent' | 'returned' | 'unknown'>();
expectTypeOf<Extract<Delivery, { outcome: 'returned' }>['fault']>().toEqualTypeOf<Fault>();
expectTypeOf<Extract<Delivery, { outcome: 'returned' }>['reply']>().toEqualTypeOf<Stanza | null>();
expectTypeOf<Extract<Delivery, { outcome: 'sent' }>['stream']>().toEqualTypeOf<number | null>();
expectTypeOf<Extract<Delivery, { outcome: 'unknown' }>['stream']>().toEqualTypeOf<number>();
expectTypeOf<Fault['origin']>().toEqualTypeOf<'local' | 'peer' | 'dns' | 'web'>();

// ——— prooftypes of an embedder (RFC 7712 §7): four answers, a strength, and an actor
expectTypeOf<Required<ManagerOptions>['prooftypes']>().toEqualTypeOf<Readonly<Record<string, Prooftype>>>();
expectTypeOf<keyof ProoftypeAnswers>().toEqualTypeOf<'nature' | 'matching' | 'material' | 'needsSecureDns'>();
expectTypeOf<Prooftype['strength']>().toEqualTypeOf<'strong' | 'weak'>();
expectTypeOf<Prooftype['actor']>().toEqualTypeOf<(ports: ProoftypePorts) => ProoftypeLogic>();
expectTypeOf<PromiseActorLogic<ProoftypeVerdict, ProoftypeQuestion>>().toExtend<ProoftypeLogic>();
expectTypeOf<PromiseActorLogic<ProoftypeVerdict, Pick<ProoftypeQuestion, 'domain'>>>().toExtend<ProoftypeLogic>();
expectTypeOf<PromiseActorLogic<boolean, ProoftypeQuestion>>().not.toExtend<ProoftypeLogic>();
expectTypeOf<PromiseActorLogic<ProoftypeVerdict, { domain: number }>>().not.toExtend<ProoftypeLogic>();
// A proof has an expiry; the prooftype does not set its name or strength, nor forbid asking others.
expectTypeOf<Extract<ProoftypeVerdict, { kind: 'proved' }>['expiresAtMs']>().toEqualTypeOf<number>();
expectTypeOf<{ kind: 'proved'; evidence: object }>().not.toExtend<ProoftypeVerdict>();
// Proofs shown to a challenger: ours, and those that have a URI.
expectTypeOf<{ 'urn:example:token': string }>().toExtend<DnaProofs>();
