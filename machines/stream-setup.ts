/** What both ends of an XML stream have in common: effects, guards and actions of the two stream charts. */
import { assign, emit, enqueueActions, fromCallback, sendTo, setup } from 'xstate';
import type { DialbackAnswer } from '../src/protocol/dialback.ts';
import { type Fault, fault, toFault } from '../src/protocol/faults.ts';
import { canonicalDomain } from '../src/protocol/names.ts';
import { deniedBy, requiresTls, usableProoftypes } from '../src/protocol/policy.ts';
import { encodeAuthzid, type StreamFeatures, type StreamHeader, type WireElement } from '../src/protocol/wire.ts';
import { assertion } from './assertion.machine.ts';
import { association } from './association.machine.ts';
import type { StateMeta } from './declare.ts';
import type {
  AssertionOutcome,
  AssociationOutcome,
  DomainPair,
  StreamReport,
  TlsFacts,
  TransportCommand,
  TransportInput,
  VerificationOutcome,
} from './events.ts';
import { limits } from './limits.ts';
import type { StreamContext, StreamEvent, StreamInput } from './stream-context.ts';
import {
  acceptableProof,
  authzidVerdict,
  claimOfOurs,
  externalMayBeOffered,
  faultOfHeader,
  mayWriteBack,
  ourFeatures,
  outdatedTls,
  pairId,
  policyTowards,
  supposedProof,
  verifyId,
} from './stream-rules.ts';
import { verification } from './verification.machine.ts';

const say = (element: WireElement): TransportCommand => ({ type: 'transport.send', element });
const raiseLimits: TransportCommand = { type: 'transport.authenticated' };
const restartParser: TransportCommand = { type: 'transport.restart' };

export const streamSetup = setup({
  types: {
    input: {} as StreamInput,
    context: {} as StreamContext,
    events: {} as StreamEvent,
    emitted: {} as StreamReport,
    tags: {} as 'waiting' | 'quiet',
    meta: {} as StateMeta,
    children: {} as { transport: 'transport' },
  },
  actors: {
    transport: fromCallback<TransportCommand, TransportInput>(() => {
      throw new Error('effect not provided: transport');
    }),
    association,
    assertion,
    verification,
  },
  delays: {
    connectTimeout: limits.connectMs,
    headerTimeout: limits.headerMs,
    handshakeTimeout: limits.handshakeMs,
    saslTimeout: limits.saslMs,
    authenticationTimeout: limits.authenticationMs,
    associationTimeout: limits.proofMs,
    closeTimeout: limits.closeMs,
    verifyLinger: limits.verifyLingerMs,
  },
  guards: {
    tlsComesFirst: ({ context }) => context.directTls,
    isNotSecured: ({ context }) => context.tls === null,
    isSecured: ({ context }) => context.tls !== null,
    isAuthenticated: ({ context }) => context.phase === 'authenticated',
    isForVerificationOnly: ({ context }) => context.purpose === 'verification',
    noVerifyIsOutstanding: ({ context }) =>
      context.purpose === 'verification' && context.verifiesOutstanding.length === 0,
    someVerifyIsOutstanding: ({ context }) => context.verifiesOutstanding.length > 0,
    /** What has a deadline of its own. A `db:verify` that is never answered must not keep the stream for ever (L2). */
    nothingIsPending: ({ context }) => context.assertionsPending.length + context.verificationsPending.length === 0,
    // initiating
    peerPredatesFeatures: ({ context }) => context.peerPredatesFeatures,
    /** RFC 6120 §4.7.5: only the same major version can be spoken; none is from before 1.0. */
    versionIsForeign: (_, { version }: StreamHeader) => version !== null && !/^1(?:\.|$)/.test(version),
    peerCannotStartTls: ({ context }) =>
      context.peerPredatesFeatures && context.tls === null && requiresTls(policyTowards(context, context.remote)),
    startTlsIsNext: ({ context }) =>
      context.tls === null &&
      // Where no features came (a peer from before 1.0), TLS is asked for only if policy insists.
      ((context.features?.startTls ?? 'absent') !== 'absent' || requiresTls(policyTowards(context, context.remote))),
    /** RFC 6120 §4.9.3.23: a feature that is mandatory there and unknown here. */
    peerRequiresTheUnknown: ({ context }) => (context.features?.unknown.length ?? 0) > 0,
    farEndWasJudged: ({ context }) => context.associated !== null,
    farEndIsRefused: ({ context }) =>
      context.purpose === 'stanzas' && acceptableProof(context, context.remote) === null,
    headersAreDue: ({ context }) => !context.headerSent,
    externalIsOffered: ({ context }) =>
      !context.avoidExternal &&
      context.tls !== null &&
      context.saslAttempts === 0 &&
      context.features !== null &&
      context.features.mechanisms.includes('EXTERNAL'),
    dialbackIsPossible: ({ context }) =>
      context.wireId !== '' && (context.peerSpeaksDialback || context.features?.dialback === true),
    /** Responses count only if the request is outstanding on this very stream (S6, FACTS §14.1). */
    assertionIsOutstanding: ({ context }, { from, to }: DomainPair) =>
      context.assertionsPending.includes(pairId({ from: to, to: from })),
    verifyIsOutstanding: ({ context }, { from, to, id }: DomainPair & { id: string }) =>
      context.verifiesOutstanding.includes(verifyId({ from: to, to: from, id })),
    verifyMayBeSent: ({ context }) => context.verifiesOutstanding.length < limits.pendingVerifies,
    /** S2: the far end is proved for the target; and stanzas of ours may go down this stream at all (XEP-0288 §2.2). */
    assertionIsOutOfOrder: ({ context }, { to }: DomainPair) =>
      (context.endpoint === null && !context.bidi) || acceptableProof(context, to) === null,
    assertionMayBeSent: ({ context }) => context.assertionsPending.length < limits.pendingAssertions,
    // receiving
    headerIsAcceptable: ({ context }, header: StreamHeader) => faultOfHeader(context, header) === null,
    initiatorCanBeProved: ({ context }) =>
      context.phase === 'open' && context.tls !== null && context.tls.certificate !== null && context.remote !== '',
    plainTextIsAllowed: ({ context }) => context.remote !== '' && !requiresTls(policyTowards(context, context.remote)),
    externalWasNotOffered: ({ context }) => !externalMayBeOffered(context),
    mechanismIsForeign: (_, mechanism: string) => mechanism !== 'EXTERNAL',
    somePairIsValid: ({ context }) => context.validPairs > 0,
    saslIsExhausted: ({ context }) => context.saslAttempts >= limits.saslAttempts,
    responseIsOmitted: (_, initialResponse: string | null) => initialResponse === null,
    authzidIsGranted: ({ context }, data: string) => authzidVerdict(context, data) === 'granted',
    bidiWasOffered: ({ context }) => context.tls !== null && context.phase === 'open' && context.settings.bidi,
    /** In reverse only on a bidirectional stream (XEP-0288 §2.2). */
    claimsMayComeIn: ({ context }) => context.endpoint === null || context.bidi,
    /** XEP-0220 §2.2.1: a disowned key closes the stream only where no other pair would suffer (L5). */
    keyWasDisownedAndNobodySuffers: ({ context }, { answer }: VerificationOutcome) =>
      answer.type === 'error' &&
      answer.condition === 'forbidden' &&
      context.validPairs === 0 &&
      context.verificationsPending.length === 1,
  },
  actions: {
    send: sendTo('transport', (_, element: WireElement) => say(element)),
    restartParser: sendTo('transport', restartParser),
    dropConnection: sendTo('transport', { type: 'transport.drop' }),
    endConnection: sendTo('transport', { type: 'transport.end' }),
    rememberFault: assign(({ context }, what: Fault | null) => ({ fault: context.fault ?? what })),
    rememberPeerError: assign(({ context }, what: Fault) => ({ fault: context.fault ?? what, endedByPeer: true })),
    closeStream: sendTo('transport', ({ context }) => ({
      type: 'transport.close' as const,
      fault: context.endedByPeer ? null : context.fault,
      header: context.headerSent
        ? null
        : {
            kind: 'streamHeader' as const,
            // RFC 6120 §4.9.1.3: an own domain or the empty string.
            from: context.local,
            to: context.remote === '' ? null : context.remote,
            id: context.wireId === '' ? null : context.wireId,
            version: '1.0',
            dialback: true,
          },
    })),
    reportClosing: emit(({ context }) => ({
      type: 'stream.closing' as const,
      stream: context.stream,
      fault: context.fault,
    })),
    reportClosed: emit(({ context }) => ({
      type: 'stream.closed' as const,
      stream: context.stream,
      fault: context.fault,
    })),
    reportVerifiable: emit(({ context }) => ({ type: 'stream.verifiable' as const, stream: context.stream })),
    reportEstablished: emit(({ context }) => ({ type: 'stream.established' as const, stream: context.stream })),
    /** The far end could not be proved: the fault of what was tried says why. */
    rememberUnproved: assign(({ context }) => {
      const verdict = context.associated?.verdict;
      return {
        fault:
          verdict === undefined || verdict.kind === 'proved'
            ? fault('policy', 'far-end-not-proved', 'peer')
            : verdict.fault,
      };
    }),
    reportAssociation: emit(({ context }, outcome: AssociationOutcome) => ({
      type: 'association.settled' as const,
      stream: context.stream,
      outcome,
    })),
    rememberAddress: assign((_, connectedTo: string) => ({ connectedTo })),
    rememberTls: assign((_, tls: TlsFacts) => ({
      tls,
      // RFC 6120 §5.4.3.3: what was heard before TLS is forgotten (S5).
      wireId: '',
      features: null,
      headerSent: false,
      peerSpeaksDialback: false,
      peerPredatesFeatures: false,
    })),
    /** A claim made before TLS, or before SASL, names a stream id that is no more: it has to be made again (S5). */
    forgetClaims: enqueueActions(({ context, enqueue }) => {
      for (const claim of context.verificationsPending) enqueue.stopChild(`verification.${claim}`);
      enqueue.assign({ verificationsPending: [] });
    }),
    rememberAuthenticated: assign({ phase: 'authenticated', headerSent: false }),
    rememberAssociation: assign(({ context }, outcome: AssociationOutcome) => ({
      associated: outcome,
      proved:
        outcome.verdict.kind === 'proved' ? { ...context.proved, [outcome.domain]: outcome.verdict } : context.proved,
    })),
    countSaslAttempt: assign(({ context }) => ({ saslAttempts: context.saslAttempts + 1 })),
    enableBidi: assign({ bidi: true }),

    // --- the initiating side of negotiation
    sendInitialHeader: enqueueActions(({ context, enqueue }) => {
      enqueue.sendTo(
        'transport',
        say({
          kind: 'streamHeader',
          to: context.remote,
          from: context.local,
          id: null,
          version: '1.0',
          dialback: true,
        }),
      );
      enqueue.assign({ headerSent: true });
    }),
    rememberHeader: assign((_, header: StreamHeader) => ({
      wireId: header.id ?? '',
      peerPredatesFeatures: header.version === null,
      peerSpeaksDialback: header.dialback,
    })),
    rememberFeatures: assign((_, features: StreamFeatures) => ({ features })),
    secureAsClient: sendTo('transport', ({ context }) => ({
      type: 'transport.secureAsClient' as const,
      serverName: context.remote,
      local: context.local,
      minTls: policyTowards(context, context.remote).minTls,
    })),
    /** XEP-0288 §2.1: after TLS, before authentication; only towards a far end that we could prove (FACTS §9). */
    requestBidi: enqueueActions(({ context, enqueue }) => {
      const proved = context.proved[context.remote];
      if (!context.settings.bidi || context.tls === null || context.features?.bidi !== true || context.bidi) return;
      if (context.purpose !== 'stanzas' || proved?.strength !== 'strong') return;
      enqueue.sendTo('transport', say({ kind: 'bidi' }));
      enqueue.assign({ bidi: true });
    }),
    requestExternal: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ saslAttempts: context.saslAttempts + 1 });
      enqueue.sendTo(
        'transport',
        say({ kind: 'auth', mechanism: 'EXTERNAL', initialResponse: encodeAuthzid(context.local) }),
      );
    }),
    answerChallenge: enqueueActions(({ context, enqueue }) => {
      enqueue.sendTo('transport', say({ kind: 'response', data: encodeAuthzid(context.local) }));
    }),

    // --- the receiving side of negotiation
    answerHeader: enqueueActions(
      ({ context, enqueue }, { header, freshId }: { header: StreamHeader; freshId: string }) => {
        const local = canonicalDomain(header.to ?? '') ?? '';
        const remote = header.from === null ? '' : (canonicalDomain(header.from) ?? '');
        const changed = remote !== context.remote;
        enqueue.assign({
          local,
          remote,
          wireId: freshId,
          headerSent: true,
          peerSpeaksDialback: header.dialback,
          peerPredatesFeatures: header.version === null,
          associated: changed ? null : context.associated,
        });
        enqueue.sendTo(
          'transport',
          say({
            kind: 'streamHeader',
            to: header.from,
            from: local,
            id: freshId,
            version: header.version === null ? null : '1.0',
            dialback: true,
          }),
        );
      },
    ),
    /** Names to answer a refused header with: an own domain or nothing (RFC 6120 §4.9.1.3). */
    rememberRefusedHeader: assign(({ context }, { header, freshId }: { header: StreamHeader; freshId: string }) => {
      const to = canonicalDomain(header.to ?? '');
      return {
        local: to !== null && context.settings.hosted.has(to) ? to : context.local,
        wireId: freshId,
        fault: context.fault ?? faultOfHeader(context, header),
      };
    }),
    /** After SASL the negotiation ends with features; after dialback they were sent already (RFC 6120 §4.3.5). */
    sendFinalFeatures: enqueueActions(({ context, enqueue }) => {
      if (context.phase === 'authenticated') enqueue.sendTo('transport', say(ourFeatures(context)));
    }),
    /** A peer from before XMPP 1.0 would not know what they are (RFC 6120 §4.7.5). */
    sendFeatures: enqueueActions(({ context, enqueue }) => {
      if (!context.peerPredatesFeatures) enqueue.sendTo('transport', say(ourFeatures(context)));
    }),
    secureAsServer: sendTo('transport', ({ context }) => ({
      type: 'transport.secureAsServer' as const,
      streamTo: context.local === '' ? null : context.local,
    })),
    refuseSasl: enqueueActions(({ context, enqueue }, condition: string) => {
      enqueue.assign({ saslAttempts: context.saslAttempts + 1 });
      enqueue.sendTo('transport', say({ kind: 'saslFailure', condition, text: null }));
    }),
    /** RFC 6120 §6.4.2: a request in the middle of a handshake takes its place; it counts, so that it ends some time. */
    discardHandshake: enqueueActions(({ context, event, enqueue }) => {
      enqueue.assign({ saslAttempts: context.saslAttempts + 1 });
      enqueue.raise(event);
    }),
    refuseAuthzid: enqueueActions(({ context, enqueue }, data: string) => {
      enqueue.assign({ saslAttempts: context.saslAttempts + 1 });
      enqueue.sendTo('transport', say({ kind: 'saslFailure', condition: authzidVerdict(context, data), text: null }));
    }),
    grantExternal: enqueueActions(({ context, enqueue }) => {
      enqueue.assign({ phase: 'authenticated', validPairs: context.validPairs + 1, headerSent: false });
      enqueue.sendTo('transport', say({ kind: 'success' }));
      enqueue.sendTo('transport', restartParser);
      enqueue.sendTo('transport', raiseLimits);
    }),
    reportExternalAdmitted: enqueueActions(({ context, enqueue }) => {
      const { associated, remote, local, stream, bidi } = context;
      if (context.phase !== 'authenticated' || associated?.verdict.kind !== 'proved') return;
      enqueue.emit({ type: 'pair.admitted', stream, from: remote, to: local, proof: associated.verdict });
      // XEP-0288 §2.1: in reverse from the stream's `to` to the authenticated `from`.
      if (bidi) enqueue.emit({ type: 'pair.accepted', stream, from: local, to: remote, proof: associated.verdict });
    }),
    reportExternalAccepted: enqueueActions(({ context, enqueue }) => {
      const { local, remote, stream, bidi } = context;
      const proof = acceptableProof(context, remote);
      if (context.phase !== 'authenticated' || proof === null) return;
      enqueue.sendTo('transport', raiseLimits);
      if (bidi && proof.strength === 'strong') {
        enqueue.emit({ type: 'pair.admitted', stream, from: remote, to: local, proof });
      }
      enqueue.emit({ type: 'pair.accepted', stream, from: local, to: remote, proof });
    }),

    // --- dialback as originating server: assertions, piggybacked or not (RFC 7712 §4.4)
    queueAssertion: assign(({ context }, pair: DomainPair) => ({
      assertionsWaiting: context.assertionsWaiting.some((waiting) => pairId(waiting) === pairId(pair))
        ? context.assertionsWaiting
        : [...context.assertionsWaiting, pair],
    })),
    /** Who asks again waits for the answer to the first. */
    sendAssertion: enqueueActions(({ context, enqueue }, { from, to }: DomainPair) => {
      if (context.assertionsPending.includes(pairId({ from, to }))) return;
      enqueue.assign({ assertionsPending: [...context.assertionsPending, pairId({ from, to })] });
      enqueue.spawnChild('assertion', { id: `assertion.${pairId({ from, to })}`, input: { from, to } });
      enqueue.sendTo('transport', say({ kind: 'result', from, to, key: null, answer: null }));
    }),
    refuseAssertion: emit(({ context }, { from, to }: DomainPair) => ({
      type: 'pair.refused' as const,
      stream: context.stream,
      from,
      to,
      fault: fault('policy', 'far-end-not-proved', 'peer', `the far end of this stream is not proved for ${to}`),
    })),
    /** The answer swaps the names. */
    forwardResultAnswer: enqueueActions(
      ({ enqueue }, { from, to, answer }: DomainPair & { answer: DialbackAnswer }) => {
        enqueue.sendTo(`assertion.${pairId({ from: to, to: from })}`, { type: 'peer.resultAnswered', answer });
      },
    ),
    settleAssertion: enqueueActions(({ context, enqueue }, outcome: AssertionOutcome) => {
      const { from, to, answer } = outcome;
      enqueue.stopChild(`assertion.${pairId(outcome)}`);
      const [next, ...waiting] = context.assertionsWaiting;
      const pending = context.assertionsPending.filter((id) => id !== pairId(outcome));
      enqueue.assign({
        assertionsPending: next === undefined ? pending : [...pending, pairId(next)],
        assertionsWaiting: waiting,
      });
      const proof = acceptableProof(context, to);
      if (answer.type === 'valid' && proof !== null) {
        enqueue.sendTo('transport', raiseLimits);
        enqueue.assign({ validPairs: context.validPairs + 1 });
        if (mayWriteBack(context, proof)) {
          enqueue.emit({ type: 'pair.admitted', stream: context.stream, from: to, to: from, proof });
        }
        enqueue.emit({ type: 'pair.accepted', stream: context.stream, from, to, proof });
      } else {
        const condition =
          answer.type === 'error' ? answer.condition : answer.type === 'late' ? 'remote-server-timeout' : 'invalid';
        const text = answer.type === 'error' ? answer.text : undefined;
        enqueue.emit({
          type: 'pair.refused',
          stream: context.stream,
          from,
          to,
          fault: fault('dialback', condition, 'peer', text),
        });
      }
      if (next !== undefined) {
        enqueue.spawnChild('assertion', { id: `assertion.${pairId(next)}`, input: next });
        enqueue.sendTo('transport', say({ kind: 'result', ...next, key: null, answer: null }));
      }
    }),
    associateFurtherDomain: enqueueActions(({ context, enqueue }, domain: string) => {
      if (context.associationsPending.includes(domain)) return;
      if (context.associationsPending.length >= limits.pendingAssociations) {
        const what = fault(
          'policy',
          'resource-constraint',
          'local',
          'too many domains are being proved on this stream',
        );
        const outcome: AssociationOutcome = { domain, verdict: { kind: 'undetermined', fault: what }, attempts: [] };
        enqueue.emit({ type: 'association.settled', stream: context.stream, outcome });
        return;
      }
      enqueue.assign({ associationsPending: [...context.associationsPending, domain] });
      enqueue.spawnChild('association', {
        id: `association.${domain}`,
        input: {
          stream: context.stream,
          domain,
          prooftypes: usableProoftypes(policyTowards(context, domain)),
          derivedDomains: [],
          certificate: context.tls?.certificate ?? null,
          claim: null,
        },
      });
    }),
    settleAssociation: enqueueActions(({ context, enqueue }, { domain, verdict, attempts }: AssociationOutcome) => {
      enqueue.stopChild(`association.${domain}`);
      enqueue.assign({ associationsPending: context.associationsPending.filter((pending) => pending !== domain) });
      const proof = verdict.kind === 'proved' ? verdict : supposedProof(context, domain);
      if (proof !== null) enqueue.assign({ proved: { ...context.proved, [domain]: proof } });
      enqueue.emit({
        type: 'association.settled',
        stream: context.stream,
        outcome: { domain, verdict: proof === null ? verdict : { kind: 'proved', ...proof }, attempts },
      });
    }),

    // --- dialback as receiving server
    /** A repeated claim waits for the answer to the first; too many are refused (XEP-0220 §2.5, FACTS §14.22). */
    takeClaim: enqueueActions(({ context, enqueue }, claim: DomainPair & { key: string }) => {
      const { from, to } = claim;
      if (context.verificationsPending.includes(pairId(claim))) return;
      if (
        context.verificationsPending.length >= limits.pendingVerifications ||
        context.validPairs >= limits.pairsPerStream
      ) {
        const answer: DialbackAnswer = { type: 'error', condition: 'resource-constraint' };
        enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer }));
        return;
      }
      enqueue.assign({ verificationsPending: [...context.verificationsPending, pairId(claim)] });
      enqueue.spawnChild('verification', {
        id: `verification.${pairId(claim)}`,
        input: {
          from,
          to,
          key: claim.key,
          stream: context.stream,
          id: context.wireId,
          policy: policyTowards(context, claim.from),
          targetIsHosted: context.settings.hosted.has(claim.to),
          denied:
            deniedBy(context.settings.policy, claim.from) ??
            claimOfOurs(context, claim.from) ??
            outdatedTls(context, claim.from),
          secured: context.tls !== null,
          certificate: context.tls?.certificate ?? null,
          // In reverse on a bidirectional stream the far end chose the id (FACTS §9).
          dialbackCounts: context.endpoint === null,
        },
      });
    }),
    refuseClaim: enqueueActions(({ enqueue }, { from, to, condition }: DomainPair & { condition: string }) => {
      const answer: DialbackAnswer = { type: 'error', condition };
      enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer }));
    }),
    settleVerification: enqueueActions(({ context, enqueue }, outcome: VerificationOutcome) => {
      const { from, to, answer, proof } = outcome;
      // What permissive federation lets in unproved is not for that a place to send to (FACTS §9).
      const mayAnswer = context.bidi && proof !== null && proof.strength !== 'none';
      enqueue.stopChild(`verification.${pairId(outcome)}`);
      enqueue.assign({
        verificationsPending: context.verificationsPending.filter((id) => id !== pairId(outcome)),
        validPairs: context.validPairs + (proof === null ? 0 : 1),
        // XEP-0288 §2.2: a domain validly used as a source may be a target.
        proved: mayAnswer ? { ...context.proved, [from]: proof } : context.proved,
      });
      enqueue.emit({ type: 'verification.settled', stream: context.stream, outcome });
      if (proof !== null) {
        // The fact comes before the answer: stanzas may follow at once (S1).
        enqueue.sendTo('transport', raiseLimits);
        enqueue.emit({ type: 'pair.admitted', stream: context.stream, from, to, proof });
      }
      enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer }));
      // In reverse only after it: stanzas that came before the answer would be refused.
      if (mayAnswer) {
        enqueue.emit({ type: 'pair.accepted', stream: context.stream, from: to, to: from, proof });
      }
    }),
    /** An actor that failed is its own fault; those who wait for it are told (STYLE, Actors). */
    settleFailedChild: enqueueActions(({ context, enqueue }, { id, error }: { id: string; error: unknown }) => {
      enqueue.stopChild(id);
      const dot = id.indexOf('.');
      const machine = id.slice(0, dot);
      const subject = id.slice(dot + 1);
      const [from = '', to = ''] = subject.split('>');
      const what = toFault(error, 'internal');
      if (machine === 'assertion') {
        enqueue.assign({ assertionsPending: context.assertionsPending.filter((pending) => pending !== subject) });
        enqueue.emit({ type: 'pair.refused', stream: context.stream, from, to, fault: what });
      } else if (machine === 'verification') {
        enqueue.assign({ verificationsPending: context.verificationsPending.filter((pending) => pending !== subject) });
        const answer: DialbackAnswer = { type: 'error', condition: 'internal-server-error' };
        enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer }));
      } else if (machine === 'association') {
        enqueue.assign({ associationsPending: context.associationsPending.filter((pending) => pending !== subject) });
        const outcome: AssociationOutcome = {
          domain: subject,
          verdict: { kind: 'undetermined', fault: what },
          attempts: [],
        };
        enqueue.emit({ type: 'association.settled', stream: context.stream, outcome });
      }
    }),
    answerInvalid: enqueueActions(({ enqueue }, { from, to }: VerificationOutcome) => {
      enqueue.stopChild(`verification.${pairId({ from, to })}`);
      enqueue.sendTo('transport', say({ kind: 'result', from: to, to: from, key: null, answer: { type: 'invalid' } }));
    }),

    // --- dialback as authoritative server: stateless (XEP-0185, DESIGN §3)
    answerVerify: enqueueActions(
      ({ context, enqueue }, { from, to, id, keyMatches }: DomainPair & { id: string; keyMatches: boolean }) => {
        const answer: DialbackAnswer = !context.settings.hosted.has(to)
          ? { type: 'error', condition: 'item-not-found' }
          : { type: keyMatches ? 'valid' : 'invalid' };
        enqueue.sendTo('transport', say({ kind: 'verify', from: to, to: from, id, key: null, answer }));
      },
    ),
    refuseVerify: enqueueActions(({ enqueue }, { from, to, id }: DomainPair & { id: string }) => {
      const answer: DialbackAnswer = { type: 'error', condition: 'policy-violation' };
      enqueue.sendTo('transport', say({ kind: 'verify', from: to, to: from, id, key: null, answer }));
    }),

    // --- asking the authoritative server, on behalf of another stream
    sendVerify: enqueueActions(
      ({ context, enqueue }, { from, to, id, key }: DomainPair & { id: string; key: string }) => {
        enqueue.assign({ verifiesOutstanding: [...context.verifiesOutstanding, verifyId({ from, to, id })] });
        enqueue.sendTo('transport', say({ kind: 'verify', from, to, id, key, answer: null }));
      },
    ),
    forgetVerify: assign(({ context }, question: DomainPair & { id: string }) => ({
      verifiesOutstanding: context.verifiesOutstanding.filter((asked) => asked !== verifyId(question)),
    })),
    refuseToAsk: emit(({ context }, { from, to, id }: DomainPair & { id: string }) => ({
      type: 'verify.answered' as const,
      stream: context.stream,
      from: to,
      to: from,
      id,
      answer: { type: 'error' as const, condition: 'resource-constraint' },
    })),
    reportVerifyAnswer: enqueueActions(
      ({ context, enqueue }, { from, to, id, answer }: DomainPair & { id: string; answer: DialbackAnswer }) => {
        const answered = verifyId({ from: to, to: from, id });
        enqueue.assign({ verifiesOutstanding: context.verifiesOutstanding.filter((asked) => asked !== answered) });
        enqueue.emit({ type: 'verify.answered', stream: context.stream, from, to, id, answer });
      },
    ),
  },
});
