/** The effects of the machines, made from ports: the one place where charts and adapters meet. */
import { type AnyStateMachine, fromPromise } from 'xstate';
import { assertion } from '../../machines/assertion.machine.ts';
import { association, type OwnProoftypeInput } from '../../machines/association.machine.ts';
import { challenge, type ProofClaim } from '../../machines/challenge.machine.ts';
import { initiatingStream } from '../../machines/initiating-stream.machine.ts';
import { pair } from '../../machines/pair.machine.ts';
import { peer, type StandingStream } from '../../machines/peer.machine.ts';
import { dialbackProoftype, type VerifyStream } from '../../machines/prooftypes/dialback.machine.ts';
import { pkixProoftype } from '../../machines/prooftypes/pkix.machine.ts';
import { daneProoftype } from '../../machines/prooftypes/dane.machine.ts';
import { poshProoftype, type PoshFinding } from '../../machines/prooftypes/posh.machine.ts';
import { resolution, type ServiceRecords, type TargetTlsa } from '../../machines/resolution.machine.ts';
import { receivingStream } from '../../machines/receiving-stream.machine.ts';
import type { ChallengeOutcome, StreamId } from '../../machines/events.ts';
import { limits } from '../../machines/limits.ts';
import { verification } from '../../machines/verification.machine.ts';
import { atOnce } from '../adapters/at-once.ts';
import { transport, type TransportPorts } from '../adapters/transport.ts';
import type { CertificateChain, LookUpOptions, Ports } from '../ports.ts';
import type { DaneMatch, PathVerdict } from '../protocol/certificate.ts';
import type { AddressRecord, DnsAnswer, SrvRecord } from '../protocol/dns.ts';
import { fault, FaultError } from '../protocol/faults.ts';
import { isBuiltInDnaProofType, isDnaProofType, type ProofVerdict } from '../protocol/proof.ts';
import type { SecureDelegationFinding } from '../protocol/secure-delegation.ts';
import type { Service } from '../protocol/service.ts';
import { tlsaOwner, type TlsaRecord } from '../protocol/tlsa.ts';
import type { Prooftype, ProoftypeQuestion } from '../prooftype.ts';
import { AddressShare } from './address-share.ts';
import type { ChallengeDesk, ChallengeWish } from './challenge-desk.ts';
import { type SecureDelegationQuestion, findSecureDelegation } from './secure-delegation.ts';
import { askProoftype } from './own-prooftypes.ts';
import { srvOwnerNames } from '../protocol/srv.ts';
import type { StandingStreams, Wanted } from './standing-streams.ts';
import type { StreamSearch } from './stream-search.ts';
import type { VerifyDesk } from './verify-desk.ts';

/**
 * Most random draws per record for RFC 2782 weights: one for the order of records without weight, one for the choice.
 */
const DRAWS_PER_RECORD = 2;
const RESOLUTION_OF_DRAW = 2 ** 30;

const notJudged = fault('dna', 'not-available', 'local', 'nobody judges proofs of delegation here');
const noRecords: DnsAnswer<SrvRecord> = { status: 'nodata-insecure', records: [], ttlSeconds: 0 };

/** What the effects of one stream need from other streams: the part of the registry that they see. */
export interface OtherStreams {
  readonly desk: VerifyDesk;
  readonly challenges: ChallengeDesk;
  readonly streams: StandingStreams;
  readonly search: StreamSearch;
}

export function makeEffects(
  ports: Ports,
  transportPorts: TransportPorts,
  others: OtherStreams,
  prooftypes: ReadonlyMap<string, Prooftype>,
) {
  const chainOf = (stream: StreamId): CertificateChain => {
    const chain = others.streams.get(stream)?.chain ?? null;
    if (chain === null) throw new FaultError(fault('pkix', 'no-certificate', 'peer'));
    return chain;
  };

  const openedFrom = (stream: StreamId): string | null => others.streams.get(stream)?.openedFrom ?? null;
  const delegationLookUps = new AddressShare({
    atOnce: limits.lookUpsOfStrangers,
    perAddress: limits.lookUpsPerAddress,
    openedFrom,
  });
  const documents = new AddressShare({
    atOnce: limits.documentsOfStrangers,
    perAddress: limits.documentsPerAddress,
    openedFrom,
  });

  const ownProofs = new AddressShare({
    atOnce: limits.ownProofsOfStrangers,
    perAddress: limits.ownProofsPerAddress,
    openedFrom,
  });

  const lookUpServices = fromPromise<ServiceRecords, { domain: string; service: Service } & Required<LookUpOptions>>(
    async ({ input, signal }) => {
      const names = srvOwnerNames(input.domain, input.service);
      if (names === null) return { xmpp: noRecords, xmpps: noRecords, draws: [], atMs: ports.clock.now() };
      const [xmpp, xmpps] = await Promise.all([
        ports.resolver.srv(names.xmpp, signal, input),
        ports.resolver.srv(names.xmpps, signal, input),
      ]);
      const draws = Array.from(
        { length: DRAWS_PER_RECORD * (xmpp.records.length + xmpps.records.length) },
        () => ports.random.integer(RESOLUTION_OF_DRAW - 1) / RESOLUTION_OF_DRAW,
      );
      return { xmpp, xmpps, draws, atMs: ports.clock.now() };
    },
  );

  const lookUpTlsa = fromPromise<
    TargetTlsa,
    { host: string; expandedHost: string | null; port: number } & Required<LookUpOptions>
  >(async ({ input, signal }) => {
    const { host, expandedHost, port } = input;
    const ask = async (at: string): Promise<TargetTlsa> => {
      const owner = tlsaOwner(at, port);
      const answer = await ports.resolver.tlsa(owner, signal, input);
      return { owner, answer, atMs: ports.clock.now() };
    };
    if (expandedHost === null || expandedHost === host) return ask(host);
    // RFC 7671 §7: first at the expanded name of the alias, and at the alias itself only if there is nothing.
    const expanded = await ask(expandedHost);
    return expanded.answer.status === 'nodata-secure' || expanded.answer.status === 'nodata-insecure'
      ? ask(host)
      : expanded;
  });

  const lookUpSecureDelegation = fromPromise<SecureDelegationFinding, SecureDelegationQuestion & { stream: StreamId }>(
    ({ input, signal }) =>
      delegationLookUps.use({ ...input, layer: 'dns' }, () => findSecureDelegation(ports, input, signal), signal),
  );

  const fetchPoshDocument = fromPromise<
    PoshFinding,
    { stream: StreamId; domain: string; service: Service } & Required<LookUpOptions>
  >(async ({ input: { stream, domain, service, ...manner }, signal }) => {
    const { posh } = ports;
    if (posh === undefined)
      throw new FaultError(fault('posh', 'not-available', 'local', 'nobody fetches POSH documents here'));
    const { purpose } = manner;
    const fetch = () => posh.fetch(domain, service, signal, manner);
    const material = await documents.use({ stream, purpose, layer: 'posh' }, fetch, signal);
    return { material, atMs: ports.clock.now() };
  });

  const matchTlsa = atOnce<DaneMatch, { stream: StreamId; records: readonly TlsaRecord[] }>(({ stream, records }) =>
    ports.pathValidator.validateDane(chainOf(stream), records, ports.clock.now()),
  );

  const lookUpAddresses = fromPromise<DnsAnswer<AddressRecord>, { host: string } & Required<LookUpOptions>>(
    ({ input, signal }) => ports.resolver.addresses(input.host, signal, input),
  );

  const validatePath = atOnce<PathVerdict, { stream: StreamId }>(({ stream }) =>
    ports.pathValidator.validate(chainOf(stream), ports.clock.now()),
  );

  const openVerifyStream = fromPromise<VerifyStream, { sender: string; target: string; askedOn: StreamId }>(
    async ({ input, signal }) => {
      const stream = await others.desk.openStream(input.sender, input.target, input.askedOn, signal);
      const certificate = others.streams.get(stream)?.context().tls?.certificate;
      return { stream, peerSha256: certificate?.sha256 ?? null };
    },
  );

  const checkProof = fromPromise<ProofVerdict, ProofClaim>(async ({ input, signal }) => {
    const { stream, domain, prooftype, data } = input;
    const row = others.streams.get(stream);
    if (row === undefined) throw new FaultError(notJudged);
    const { service, endpoint, tls } = row.context();
    if (!isBuiltInDnaProofType(prooftype)) {
      const question = { service, domain, derivedDomains: [], certificate: tls?.certificate ?? null, proof: data };
      return await askOwn(prooftype, stream, question, signal);
    }
    const { dnaProofs } = ports;
    if (dnaProofs === undefined) throw new FaultError(notJudged);
    const claim = { type: prooftype, domain, service, data, chain: chainOf(stream) };
    const place = endpoint === null ? null : { host: endpoint.host, port: endpoint.port };
    const check = () => dnaProofs.check({ ...claim, endpoint: place }, signal);
    return await documents.use({ stream, purpose: 'verification', layer: 'dna' }, check, signal);
  });

  /**
   * Runs one of the embedder's prooftypes on this stream; on a stream that the peer opened, when it is its address's
   * turn.
   */
  const askOwn = async (
    name: string,
    stream: StreamId,
    question: ProoftypeQuestion,
    signal: AbortSignal,
  ): Promise<ProofVerdict> => {
    const prooftype = prooftypes.get(name);
    if (prooftype === undefined)
      throw new FaultError(fault('prooftype', 'not-available', 'local', `there is no prooftype ${name} here`));
    const chain = (): readonly Uint8Array[] => others.streams.get(stream)?.chain?.der ?? [];
    const { clock, resolver } = ports;
    const material = { clock, secureDns: resolver.validates, chain };
    const ask = () => askProoftype(name, prooftype, question, material, signal);
    return await ownProofs.use({ stream, purpose: 'verification', layer: 'prooftype' }, ask, signal);
  };

  const isJudged = (type: string): boolean =>
    isBuiltInDnaProofType(type) ? ports.dnaProofs !== undefined : prooftypes.has(type);

  return {
    transport: transport(transportPorts),
    resolution: resolution.provide({ actors: { lookUpServices, lookUpAddresses, lookUpTlsa } }),
    lookUpSecureDelegation,
    daneProoftype: daneProoftype.provide({ actors: { matchTlsa } }),
    poshProoftype: poshProoftype.provide({ actors: { fetchPoshDocument } }),
    pkixProoftype: pkixProoftype.provide({ actors: { validatePath } }),
    dialbackProoftype: dialbackProoftype.provide({
      actors: {
        openVerifyStream,
        askAuthoritativeServer: fromPromise(({ input, signal }) => others.desk.ask(input.stream, input, signal)),
      },
    }),
    challenge: challenge.provide({ actors: { checkProof } }),
    challengeFarEnd: fromPromise<ChallengeOutcome, ChallengeWish & { stream: StreamId }>(async ({ input, signal }) => {
      // The peer shows the first proof that it has, so it is not asked for types that nobody here can judge.
      const judged = input.prooftypes.filter(isJudged);
      if (judged.length === 0) throw new FaultError(notJudged);
      return await others.challenges.ask(input.stream, { ...input, prooftypes: judged }, signal);
    }),
    /** The prooftypes that need no challenge, by name. */
    ownProoftypes: Object.fromEntries(
      [...prooftypes.keys()]
        .filter((name) => !isDnaProofType(name))
        .map((name) => [
          name,
          fromPromise<ProofVerdict, OwnProoftypeInput>(({ input: { stream, ...question }, signal }) =>
            askOwn(name, stream, { ...question, proof: null }, signal),
          ),
        ]),
    ),
    findStandingStream: fromPromise<StandingStream | null, Wanted>(({ input, signal }) =>
      others.search.find(input, signal),
    ),
  };
}

export type Effects = ReturnType<typeof makeEffects>;

/** Makes the actors of a chart be recorded, or returns the chart unchanged. */
type Watch = <Chart extends AnyStateMachine>(chart: Chart) => Chart;

/** The charts, provided with their effects. */
export function provideEffects(effects: Effects, watch: Watch = (chart) => chart) {
  const { transport, resolution, challenge, findStandingStream, ...proofs } = effects;
  const { ownProoftypes, ...ours } = proofs;
  const { daneProoftype, poshProoftype, pkixProoftype, dialbackProoftype } = ours;
  const proving = watch(
    association.provide({
      actors: {
        ...ownProoftypes,
        ...ours,
        daneProoftype: watch(daneProoftype),
        poshProoftype: watch(poshProoftype),
        pkixProoftype: watch(pkixProoftype),
        dialbackProoftype: watch(dialbackProoftype),
      },
    }),
  );
  const resolving = watch(resolution);
  const streamActors = {
    transport,
    assertion: watch(assertion),
    association: proving,
    verification: watch(verification.provide({ actors: { association: proving } })),
    challenge: watch(challenge),
  };
  return {
    initiatingStream: watch(initiatingStream.provide({ actors: streamActors })),
    receivingStream: watch(receivingStream.provide({ actors: streamActors })),
    pair: watch(pair),
    resolution: resolving,
    peer: watch(peer.provide({ actors: { resolution: resolving, findStandingStream } })),
  };
}

export type Machines = ReturnType<typeof provideEffects>;
