/** AUTHENTICATION: SASL EXTERNAL, and bidi before it (RFC 6120 §6, XEP-0178, XEP-0288). */
import { assign, enqueueActions } from 'xstate';
import { encodeAuthzid } from '../../src/protocol/wire.ts';
import { entryOf } from '../collections/growing-table.ts';
import { withIncoming, withOutgoing } from '../collections/proved-pairs.ts';
import { limits } from '../limits.ts';
import { dialbackIsOffered, type StreamContext, withNegotiated } from './context.ts';
import { acceptableProof, authzidVerdict, externalMayBeOffered } from './rules.ts';
import { raiseLimits, restartParser, say } from './setup.ts';
import { domainNameAssociation } from './association.ts';

const withSaslAttempt = (context: StreamContext) =>
  withNegotiated(context, { saslAttempts: context.negotiation.saslAttempts + 1 });

const withSaslRefused = (context: StreamContext, condition: string) =>
  withNegotiated(context, { saslAttempts: context.negotiation.saslAttempts + 1, saslRefused: condition });

export const authentication = domainNameAssociation.extend({
  guards: {
    externalIsOffered: ({ context }) =>
      !context.avoidExternal &&
      context.tls !== null &&
      context.negotiation.saslAttempts === 0 &&
      context.negotiation.features !== null &&
      context.negotiation.features.mechanisms.includes('EXTERNAL'),
    dialbackIsPossible: ({ context }) => dialbackIsOffered(context),
    externalWasNotOffered: ({ context }) => !externalMayBeOffered(context),
    mechanismIsForeign: (_, mechanism: string) => mechanism !== 'EXTERNAL',
    responseIsOmitted: (_, initialResponse: string | null) => initialResponse === null,
    authzidIsGranted: ({ context }, data: string) => authzidVerdict(context, data) === 'granted',
    saslIsExhausted: ({ context }) => context.negotiation.saslAttempts >= limits.saslAttempts,
    bidiWasOffered: ({ context }) =>
      context.tls !== null && context.negotiation.phase === 'open' && context.settings.bidi,
    somePairIsValid: ({ context }) => context.validPairs.size > 0,
  },
  actions: {
    /** XEP-0288 §2.1: after TLS, before authentication; only towards a far end that we have strongly proved. */
    requestBidi: enqueueActions(({ context, enqueue }) => {
      const proved = entryOf(context.proved, context.remote);
      const { features, bidi } = context.negotiation;
      if (!context.settings.bidi || context.tls === null || features?.bidi !== true || bidi) return;
      if (context.purpose !== 'stanzas' || proved?.strength !== 'strong') return;
      enqueue.sendTo('transport', say({ kind: 'bidi' }));
      enqueue.assign(withNegotiated(context, { bidi: true }));
    }),
    enableBidi: assign(({ context }) => withNegotiated(context, { bidi: true })),
    requestExternal: enqueueActions(({ context, enqueue }) => {
      enqueue.assign(withSaslAttempt(context));
      enqueue.sendTo(
        'transport',
        say({ kind: 'auth', mechanism: 'EXTERNAL', initialResponse: encodeAuthzid(context.local) }),
      );
    }),
    answerChallenge: enqueueActions(({ context, enqueue }) => {
      enqueue.sendTo('transport', say({ kind: 'response', data: encodeAuthzid(context.local) }));
    }),
    rememberAuthenticated: assign(({ context }) =>
      withNegotiated(context, { phase: 'authenticated', headerSent: false }),
    ),
    refuseSasl: enqueueActions(({ context, enqueue }, condition: string) => {
      enqueue.assign(withSaslRefused(context, condition));
      enqueue.sendTo('transport', say({ kind: 'saslFailure', condition, text: null }));
    }),
    refuseAuthzid: enqueueActions(({ context, enqueue }, data: string) => {
      const condition = authzidVerdict(context, data);
      enqueue.assign(withSaslRefused(context, condition));
      enqueue.sendTo('transport', say({ kind: 'saslFailure', condition, text: null }));
    }),
    /** RFC 6120 §6.4.2: a request during a handshake replaces it; the old one counts, so that attempts are bounded. */
    discardHandshake: enqueueActions(({ context, event, enqueue }) => {
      enqueue.assign(withSaslAttempt(context));
      enqueue.raise(event);
    }),
    grantExternal: enqueueActions(({ context, enqueue }) => {
      const { associated, remote, local, validPairs } = context;
      if (associated?.verdict.kind !== 'proved') return; // see externalWasNotOffered
      enqueue.assign({
        ...withNegotiated(context, { phase: 'authenticated', headerSent: false }),
        validPairs: withIncoming(validPairs, { from: remote, to: local }, associated.verdict),
      });
      enqueue.sendTo('transport', say({ kind: 'success' }));
      enqueue.sendTo('transport', restartParser);
      enqueue.sendTo('transport', raiseLimits);
    }),
    reportExternalAdmitted: enqueueActions(({ context, enqueue }) => {
      const { associated, remote, local, stream, negotiation } = context;
      if (negotiation.phase !== 'authenticated' || associated?.verdict.kind !== 'proved') return;
      enqueue.emit({ type: 'pair.admitted', stream, from: remote, to: local, proof: associated.verdict });
      // XEP-0288 §2.1: the reverse direction is from the stream's `to` to the authenticated `from`.
      if (negotiation.bidi)
        enqueue.emit({ type: 'pair.accepted', stream, from: local, to: remote, proof: associated.verdict });
    }),
    reportExternalAccepted: enqueueActions(({ context, enqueue }) => {
      const { local, remote, stream, negotiation } = context;
      const proof = acceptableProof(context, remote);
      if (negotiation.phase !== 'authenticated' || proof === null) return;
      enqueue.sendTo('transport', raiseLimits);
      enqueue.assign({ validPairs: withOutgoing(context.validPairs, { from: local, to: remote }, proof) });
      if (negotiation.bidi && proof.strength === 'strong') {
        enqueue.emit({ type: 'pair.admitted', stream, from: remote, to: local, proof });
      }
      enqueue.emit({ type: 'pair.accepted', stream, from: local, to: remote, proof });
    }),
  },
});
