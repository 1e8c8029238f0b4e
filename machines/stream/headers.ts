/** STREAM HEADERS, and the features that follow them (RFC 6120 §4). */
import { assign, enqueueActions } from 'xstate';
import { canonicalDomain } from '../../src/protocol/names.ts';
import type { StreamFeatures, StreamHeader } from '../../src/protocol/wire.ts';
import { hasMember } from '../collections/growing-table.ts';
import { withDna, withNegotiated } from './context.ts';
import { faultOfHeader, majorOf, ourFeatures } from './rules.ts';
import { say } from './setup.ts';
import { streamSetup } from './setup.ts';

const saidBy = ({ version, dialback }: StreamHeader) => ({
  peerPredatesFeatures: version === null,
  peerSpeaksDialback: dialback,
});

export const streamHeaders = streamSetup.extend({
  guards: {
    versionIsMissing: (_, { version }: StreamHeader) => version === null,
    /** RFC 6120 §4.7.5: only the same major version is supported; a missing version means a peer older than 1.0. */
    versionIsForeign: (_, { version }: StreamHeader) => version !== null && majorOf(version) !== 1,
    headerIsAcceptable: ({ context }, header: StreamHeader) => faultOfHeader(context, header) === null,
    /** RFC 6120 §4.9.3.23: a feature that the peer requires and we do not know. */
    peerRequiresTheUnknown: ({ context }) => (context.negotiation.features?.unknown.length ?? 0) > 0,
    /** RFC 7712 §3: for a client, the flow ends once the domain is proved. */
    isForClients: ({ context }) => context.service === 'xmpp-client',
    headersAreDue: ({ context }) => !context.negotiation.headerSent,
  },
  actions: {
    sendInitialHeader: enqueueActions(({ context, enqueue }) => {
      enqueue.sendTo(
        'transport',
        say({
          kind: 'streamHeader',
          to: context.remote,
          // A client need not say who it is (RFC 6120 §4.7.1).
          from: context.local === '' ? null : context.local,
          id: null,
          version: '1.0',
          dialback: context.service === 'xmpp-server',
        }),
      );
      enqueue.assign(withNegotiated(context, { headerSent: true }));
    }),
    rememberHeader: assign(({ context }, header: StreamHeader) =>
      withNegotiated(context, { wireId: header.id, ...saidBy(header) }),
    ),
    rememberFeatures: assign(({ context }, features: StreamFeatures) => ({
      ...withNegotiated(context, { features }),
      // The far end asserts the stream's `to`; this counts only under TLS (ProtoXEP §6.3, S5).
      ...(context.tls !== null && features.asserts !== undefined ? withDna(context, { isSpoken: true }) : {}),
    })),
    answerHeader: enqueueActions(
      ({ context, enqueue }, { header, freshId }: { header: StreamHeader; freshId: string }) => {
        const local = canonicalDomain(header.to ?? '') ?? '';
        const remote = header.from === null ? '' : (canonicalDomain(header.from) ?? '');
        const changed = remote !== context.remote;
        enqueue.assign({
          local,
          remote,
          ...withNegotiated(context, { wireId: freshId, headerSent: true, ...saidBy(header) }),
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
    /** The name with which to answer a refused header: a domain of our own, or none (RFC 6120 §4.9.1.3). */
    rememberRefusedHeader: assign(({ context }, { header, freshId }: { header: StreamHeader; freshId: string }) => {
      const to = canonicalDomain(header.to ?? '');
      return {
        local: to !== null && hasMember(context.settings.hosted, to) ? to : context.local,
        ...withNegotiated(context, { wireId: freshId }),
        fault: context.fault ?? faultOfHeader(context, header),
      };
    }),
    /** Not sent to a peer older than XMPP 1.0, which does not know features (RFC 6120 §4.7.5). */
    sendFeatures: enqueueActions(({ context, enqueue }) => {
      if (!context.negotiation.peerPredatesFeatures) enqueue.sendTo('transport', say(ourFeatures(context)));
    }),
    /** After SASL the negotiation ends with features; with dialback they were already sent (RFC 6120 §4.3.5). */
    sendFinalFeatures: enqueueActions(({ context, enqueue }) => {
      if (context.negotiation.phase === 'authenticated') enqueue.sendTo('transport', say(ourFeatures(context)));
    }),
  },
});
