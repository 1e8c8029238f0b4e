/**
 * One XML stream that we open, from TCP to "stanzas may be sent", top to bottom as in the flow chart of RFC 7712 §4.
 * Resolution happens earlier, in peer.machine.ts: each endpoint that is tried is a separate stream.
 */
import { fault, toFault } from '../src/protocol/faults.ts';
import {
  anywhere,
  associating,
  authority,
  challenging,
  ending,
  failedChildren,
  originating,
  receiving,
} from './stream/states.ts';
import { newStream } from './stream/context.ts';
import { associationByChallenge } from './stream/dna-rules.ts';
import { associationByCertificate } from './stream/rules.ts';
import { flowChart } from './stream/authority.ts';

export const initiatingStream = flowChart.createMachine({
  id: 'initiatingStream',
  description: 'A stream to one endpoint of a remote domain.',
  meta: { spec: 'RFC 7712 §4, RFC 6120 §4' },
  context: newStream,
  initial: 'connecting',
  invoke: {
    id: 'transport',
    src: 'transport',
    input: ({ context: { stream, service, endpoint } }) => ({ stream, service, endpoint }),
    onError: {
      target: '.closed',
      actions: { type: 'rememberFault', params: ({ event }) => toFault(event.error, 'internal') },
    },
  },
  on: { ...anywhere, ...failedChildren },
  states: {
    connecting: {
      description: 'TCP to the addresses of the endpoint, raced (RFC 8305).',
      meta: { spec: 'RFC 6120 §3', awaits: 'TCP', mover: 'peer', ifLate: 'the next endpoint is tried' },
      tags: 'waiting',
      on: {
        'transport.connected': [
          {
            guard: 'tlsComesFirst',
            target: 'tlsNegotiation.awaitingHandshake',
            actions: { type: 'rememberAddress', params: ({ event }) => event.remoteAddress },
          },
          {
            target: 'streamHeaders',
            actions: { type: 'rememberAddress', params: ({ event }) => event.remoteAddress },
          },
        ],
      },
      after: {
        connectTimeout: {
          target: 'closing',
          actions: { type: 'rememberFault', params: fault('tcp', 'connect-timeout', 'peer') },
        },
      },
    },
    streamHeaders: {
      description: 'Headers are exchanged, again after TLS and after SASL.',
      meta: { spec: 'RFC 7712 §4.2, RFC 6120 §4.2' },
      initial: 'awaitingHeader',
      entry: 'sendInitialHeader',
      states: {
        awaitingHeader: {
          description: 'Our header is sent.',
          meta: {
            spec: 'RFC 6120 §4.7',
            awaits: 'the response header',
            mover: 'peer',
            ifLate: 'the next address or endpoint is tried',
          },
          tags: 'waiting',
          on: {
            'peer.streamOpened': [
              {
                guard: { type: 'versionIsForeign', params: ({ event }) => event.header },
                target: '#closing',
                actions: { type: 'rememberFault', params: fault('stream', 'unsupported-version', 'peer') },
              },
              {
                // RFC 6120 §4.7.5: a peer older than XMPP 1.0 sends no features.
                guard: { type: 'versionIsMissing', params: ({ event }) => event.header },
                target: 'decidingNext',
                actions: { type: 'rememberHeader', params: ({ event }) => event.header },
              },
              {
                target: 'awaitingFeatures',
                actions: { type: 'rememberHeader', params: ({ event }) => event.header },
              },
            ],
          },
          after: {
            headerTimeout: {
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('stream', 'header-timeout', 'peer') },
            },
          },
        },
        awaitingFeatures: {
          description: 'The response header is read.',
          meta: {
            spec: 'RFC 6120 §4.3.2',
            awaits: 'stream features',
            mover: 'peer',
            ifLate: 'the next address or endpoint is tried',
          },
          tags: 'waiting',
          on: {
            'peer.featuresReceived': {
              target: 'decidingNext',
              actions: { type: 'rememberFeatures', params: ({ event }) => event.features },
            },
          },
          after: {
            featuresTimeout: {
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('stream', 'features-timeout', 'peer') },
            },
          },
        },
        decidingNext: {
          description: 'TLS first, then the proof of the far end, then ours.',
          meta: { spec: 'RFC 6120 §5.3.4, RFC 7712 §4.2' },
          always: [
            {
              guard: 'peerCannotStartTls',
              target: '#closing',
              actions: {
                type: 'rememberFault',
                params: fault('stream', 'unsupported-version', 'peer', 'a stream without version cannot start TLS'),
              },
            },
            { guard: 'startTlsIsNext', target: '#initiatingStream.tlsNegotiation' },
            {
              guard: 'peerRequiresTheUnknown',
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('stream', 'unsupported-feature', 'peer') },
            },
            { guard: 'isAuthenticated', target: '#initiatingStream.established' },
            { guard: 'challengeIsDue', target: '#initiatingStream.association.awaitingChallenge' },
            { guard: 'judgedFarEndIsRefused', target: '#closing', actions: 'rememberUnproved' },
            { guard: 'farEndWasJudged', target: '#initiatingStream.authentication' },
            { target: '#initiatingStream.association' },
          ],
        },
      },
    },
    tlsNegotiation: {
      description: 'STARTTLS, or TLS from the first byte.',
      meta: { spec: 'RFC 6120 §5.4, XEP-0368 §3' },
      initial: 'awaitingProceed',
      states: {
        awaitingProceed: {
          description: '<starttls/> is sent, offered or not: stripping is possible (RFC 7590 §3.1).',
          meta: {
            spec: 'RFC 6120 §5.4.2',
            awaits: '<proceed/>',
            mover: 'peer',
            ifLate: 'the next address or endpoint is tried; never plain text instead',
          },
          tags: 'waiting',
          entry: { type: 'send', params: { kind: 'starttls' } },
          on: {
            'peer.proceedReceived': 'awaitingHandshake',
            'peer.startTlsRefused': {
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('tls', 'starttls-refused', 'peer') },
            },
          },
          after: {
            headerTimeout: {
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('tls', 'proceed-timeout', 'peer') },
            },
          },
        },
        awaitingHandshake: {
          description: 'The handshake is running; any certificate is taken, and judged afterwards.',
          meta: {
            spec: 'RFC 6120 §5.4.3',
            awaits: 'the TLS handshake',
            mover: 'peer',
            ifLate: 'the next address or endpoint is tried',
          },
          tags: 'waiting',
          entry: 'secureAsClient',
          on: {
            'transport.secured': {
              target: '#initiatingStream.association',
              actions: { type: 'rememberTls', params: ({ event }) => event.tls },
            },
          },
          after: {
            handshakeTimeout: {
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('tls', 'handshake-timeout', 'peer') },
            },
          },
        },
      },
    },
    association: {
      description:
        'A establishes DNA for b.example: the far end is proved for the remote domain, before anything is asked of it.',
      meta: { spec: 'RFC 7712 §4.2' },
      initial: 'awaitingVerdict',
      states: {
        awaitingVerdict: {
          description: 'The prooftypes are asked in their declared order.',
          meta: {
            spec: 'RFC 7712 §7',
            awaits: 'the association of the remote domain',
            mover: 'us',
            ifLate: 'the next address or endpoint is tried',
          },
          tags: 'waiting',
          invoke: {
            id: 'association',
            src: 'association',
            input: ({ context }) => ({ assertion: null, ...associationByCertificate(context) }),
            onDone: {
              target: 'decidingProof',
              actions: [
                { type: 'rememberAssociation', params: ({ event }) => event.output },
                { type: 'reportAssociation', params: ({ event }) => event.output },
              ],
            },
            onError: {
              target: '#closing',
              actions: { type: 'rememberFault', params: ({ event }) => toFault(event.error, 'internal') },
            },
          },
          after: {
            associationTimeout: {
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('pkix', 'association-timeout', 'local') },
            },
          },
        },
        decidingProof: {
          description:
            'The stream goes on if the domain is proved, or if policy accepts what DNS vouches for. A check as a client ends here.',
          meta: { spec: 'RFC 7712 §3, §4.2, XEP-0238' },
          always: [
            { guard: 'farEndIsRefused', target: '#closing', actions: 'rememberUnproved' },
            { guard: 'isForClients', target: '#closing' },
            { guard: 'headersAreDue', target: '#initiatingStream.streamHeaders' },
            { target: '#initiatingStream.authentication' },
          ],
        },
        awaitingChallenge: {
          description:
            'The certificate did not prove the remote domain, but the features assert it: the far end is challenged before anything else.',
          meta: {
            spec: 'ProtoXEP DNA §6.4',
            awaits: 'the proof that the remote domain was delegated to the far end',
            mover: 'peer',
            ifLate: 'the next address or endpoint is tried, unless policy accepts what DNS vouches for',
          },
          tags: 'waiting',
          on: challenging,
          invoke: {
            id: 'association',
            src: 'association',
            input: ({ context }) => ({ assertion: null, ...associationByChallenge(context) }),
            onDone: {
              target: 'decidingProof',
              actions: [
                { type: 'rememberChallenged', params: ({ event }) => event.output },
                { type: 'reportChallenged', params: ({ event }) => event.output },
              ],
            },
            onError: {
              target: '#closing',
              actions: { type: 'rememberFault', params: ({ event }) => toFault(event.error, 'internal') },
            },
          },
          after: {
            challengeTimeout: {
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('dna', 'association-timeout', 'local') },
            },
          },
        },
      },
    },
    authentication: {
      // Only SASL may be sent between <auth/> and the header that follows <success/> (RFC 6120 §6.4.6): a db:verify
      // would reach a parser that expects that header. So the stream becomes verifiable in `established`, not before.
      description: 'We prove ourselves: by SASL EXTERNAL where it is offered, else by dialback.',
      meta: { spec: 'RFC 7712 §4.2, §4.3' },
      initial: 'decidingMethod',
      states: {
        decidingMethod: {
          description: 'EXTERNAL is tried at most once; if it fails, dialback may succeed (XEP-0178 §3).',
          meta: { spec: 'XEP-0178 §3, XEP-0288 §2.1' },
          entry: 'requestBidi',
          always: [
            { guard: 'isForVerificationOnly', target: '#initiatingStream.established' },
            { guard: 'externalIsOffered', target: 'saslExternal' },
            { guard: 'dialbackIsPossible', target: 'dialback' },
            {
              target: '#closing',
              actions: {
                type: 'rememberFault',
                params: fault(
                  'sasl',
                  'no-method-offered',
                  'peer',
                  'the peer offers neither SASL EXTERNAL nor dialback',
                ),
              },
            },
          ],
        },
        saslExternal: {
          description: '<auth mechanism="EXTERNAL"/> is sent.',
          meta: {
            spec: 'RFC 6120 §6, XEP-0178 §3',
            awaits: 'the SASL outcome',
            mover: 'peer',
            ifLate: 'the stream is closed; dialback on the next, if it was offered',
          },
          tags: 'waiting',
          entry: 'requestExternal',
          on: {
            'peer.saslChallenged': { actions: 'answerChallenge' },
            'peer.saslSucceeded': {
              target: '#initiatingStream.streamHeaders',
              actions: ['rememberAuthenticated', 'restartParser'],
            },
            'peer.saslFailed': [
              { guard: 'dialbackIsPossible', target: 'dialback' },
              {
                target: '#closing',
                actions: {
                  type: 'rememberFault',
                  params: ({ event }) => fault('sasl', event.condition, 'peer', event.text ?? undefined),
                },
              },
            ],
            'peer.streamClosed': {
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('sasl', 'closed-after-auth', 'peer') },
            },
          },
          after: {
            saslTimeout: {
              target: '#closing',
              actions: { type: 'rememberFault', params: fault('sasl', 'outcome-timeout', 'peer') },
            },
          },
        },
        dialback: {
          description: 'From the next state on, each domain pair is asserted separately.',
          meta: { spec: 'RFC 7712 §4.3, XEP-0220 §2.1' },
          always: '#initiatingStream.established',
        },
      },
    },
    established: {
      description: 'Pairs are asserted, and further domains of the far end proved, while stanzas flow.',
      meta: { spec: 'RFC 7712 §4.4' },
      tags: 'quiet',
      initial: 'open',
      entry: [
        'reportVerifiable',
        'reportExternalAccepted',
        'reportEstablished',
        { type: 'believe', params: ({ context }) => context.remote },
        'assertOurselves',
      ],
      on: {
        ...authority,
        ...originating,
        ...associating,
        ...receiving,
        // RFC 6120 §4.3.5: an empty features element may still arrive; it has no effect.
        'peer.featuresReceived': {},
        'transport.idle': { guard: 'nothingIsPending', target: 'closing' },
      },
      states: {
        open: {
          description: 'The stream serves every pair that needs it.',
          meta: { spec: 'RFC 7712 §4.4' },
          always: { guard: 'isForVerificationOnly', target: 'verifying' },
        },
        verifying: {
          description: 'Opened to ask an authoritative server, and for nothing else; it authorises no stanza.',
          meta: { spec: 'XEP-0220 §2.2.1', awaits: 'the last answer', mover: 'peer', ifLate: 'the stream is closed' },
          tags: 'waiting',
          always: { guard: 'noVerifyIsOutstanding', target: 'lingering' },
          on: {
            // Each question restarts the deadline, so that a continuous series does not get the stream closed (L5).
            'local.verifyRequested': [
              {
                guard: 'verifyMayBeSent',
                target: 'verifying',
                reenter: true,
                actions: { type: 'sendVerify', params: ({ event }) => event },
              },
              { actions: { type: 'refuseToAsk', params: ({ event }) => event } },
            ],
          },
          after: {
            verifyTimeout: {
              target: '#closing',
              actions: {
                type: 'rememberFault',
                params: fault('stream', 'connection-timeout', 'peer', 'no answer to db:verify in time'),
              },
            },
          },
        },
        lingering: {
          description: 'A further question may come soon; then the stream is closed.',
          meta: {
            spec: 'XEP-0220 §2.2.1',
            awaits: 'a further db:verify to send',
            mover: 'us',
            ifLate: 'the stream is closed',
          },
          tags: 'waiting',
          always: { guard: 'someVerifyIsOutstanding', target: 'verifying' },
          after: { verifyLinger: '#closing' },
        },
      },
    },
    ...ending,
  },
});
