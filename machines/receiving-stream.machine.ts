/**
 * One XML stream opened by a peer, from its first header to "its stanzas may come in", as in the chart of RFC 7712 §4.
 */
import { fault, toFault } from '../src/protocol/faults.ts';
import { limits } from './limits.ts';
import { newStream } from './stream/context.ts';
import { associationByCertificate } from './stream/rules.ts';
import { flowChart } from './stream/authority.ts';
import { anywhere, associating, authority, ending, failedChildren, originating, receiving } from './stream/states.ts';

const nobodyAuthenticated = fault('stream', 'connection-timeout', 'peer', 'nobody authenticated in time');

const receivingSetup = flowChart.extend({
  delays: {
    verificationTimeout: limits.verificationMs + limits.spareMs,
    unprovedTimeout: limits.authenticationMs + limits.verificationMs + limits.spareMs,
  },
});

export const receivingStream = receivingSetup.createMachine({
  id: 'receivingStream',
  description: 'A stream that was opened to one of our domains.',
  meta: { spec: 'RFC 7712 §4, RFC 6120 §4' },
  context: newStream,
  initial: 'accepted',
  invoke: {
    id: 'transport',
    src: 'transport',
    input: ({ context: { stream, service } }) => ({ stream, service, endpoint: null }),
    onError: {
      target: '.closed',
      actions: { type: 'rememberFault', params: ({ event }) => toFault(event.error, 'internal') },
    },
  },
  on: { ...anywhere, ...failedChildren },
  states: {
    accepted: {
      description: 'The connection is up; its first byte shows whether TLS comes first.',
      meta: { spec: 'RFC 6120 §3, XEP-0368 §3' },
      always: [{ guard: 'tlsComesFirst', target: 'tlsNegotiation.awaitingHandshake' }, { target: 'streamHeaders' }],
    },
    streamHeaders: {
      description: 'Headers are exchanged, again after TLS and after SASL.',
      meta: { spec: 'RFC 7712 §4.2, RFC 6120 §4.2' },
      initial: 'awaitingHeader',
      states: {
        awaitingHeader: {
          description: 'The initiating server speaks first.',
          meta: {
            spec: 'RFC 6120 §4.2',
            awaits: 'the initial header',
            mover: 'peer',
            ifLate: 'the stream is closed with connection-timeout',
          },
          tags: 'waiting',
          on: {
            'peer.streamOpened': [
              {
                guard: { type: 'headerIsAcceptable', params: ({ event }) => event.header },
                target: 'decidingNext',
                actions: { type: 'answerHeader', params: ({ event }) => event },
              },
              {
                target: '#closing',
                actions: { type: 'rememberRefusedHeader', params: ({ event }) => event },
              },
            ],
          },
          after: {
            headerTimeout: {
              target: '#closing',
              actions: {
                type: 'rememberFault',
                params: fault('stream', 'connection-timeout', 'peer', 'no stream header in time'),
              },
            },
          },
        },
        decidingNext: {
          description:
            'TLS first; then, if the initiating server showed a certificate, what it proves decides what we offer.',
          meta: { spec: 'RFC 6120 §5.3.1, XEP-0178 §3' },
          always: [
            { guard: 'isAuthenticated', target: '#receivingStream.established' },
            { guard: 'initiatorCanBeProved', target: '#receivingStream.association' },
            { guard: 'isSecured', target: '#receivingStream.authentication' },
            { guard: 'plainTextIsAllowed', target: '#receivingStream.authentication' },
            { target: '#receivingStream.tlsNegotiation' },
          ],
        },
      },
    },
    tlsNegotiation: {
      description: 'STARTTLS, or TLS from the first byte.',
      meta: { spec: 'RFC 6120 §5.4, XEP-0368 §3' },
      initial: 'awaitingStartTls',
      states: {
        awaitingStartTls: {
          description: 'STARTTLS is offered, and nothing else.',
          meta: {
            spec: 'RFC 6120 §5.3.1',
            awaits: '<starttls/>',
            mover: 'peer',
            ifLate: 'the stream is closed with connection-timeout',
          },
          tags: 'waiting',
          entry: 'sendFeatures',
          on: {
            'peer.startTlsRequested': {
              target: 'awaitingHandshake',
              actions: { type: 'send', params: { kind: 'proceed' } },
            },
            'peer.authRequested': { actions: { type: 'refuseSasl', params: 'encryption-required' } },
            'peer.resultRequested': {
              actions: {
                type: 'declineAssertion',
                params: ({ event }) => ({ ...event, condition: 'policy-violation' }),
              },
            },
            'peer.verifyRequested': { actions: { type: 'refuseVerify', params: ({ event }) => event } },
          },
          after: {
            headerTimeout: {
              target: '#closing',
              actions: {
                type: 'rememberFault',
                params: fault('stream', 'connection-timeout', 'peer', 'no <starttls/> in time'),
              },
            },
          },
        },
        awaitingHandshake: {
          description: 'The handshake is running; a client certificate is requested, and judged afterwards.',
          meta: {
            spec: 'RFC 6120 §5.4.3',
            awaits: 'the TLS handshake',
            mover: 'peer',
            ifLate: 'the connection is dropped',
          },
          tags: 'waiting',
          entry: 'secureAsServer',
          on: {
            'transport.secured': {
              target: '#receivingStream.streamHeaders',
              actions: [{ type: 'rememberTls', params: ({ event }) => event.tls }, 'forgetAssertions'],
            },
          },
          after: {
            handshakeTimeout: {
              target: '#closing',
              actions: [{ type: 'rememberFault', params: fault('tls', 'handshake-timeout', 'peer') }, 'dropConnection'],
            },
          },
        },
      },
    },
    association: {
      description: 'B establishes DNA for a.example, from the client certificate, before it offers anything.',
      meta: {
        spec: 'RFC 7712 §4.2, RFC 6120 §6.3.4',
        awaits: 'the association of the initiating domain',
        mover: 'us',
        ifLate: 'EXTERNAL is not offered; dialback may still prove the domain',
      },
      tags: 'waiting',
      invoke: {
        id: 'association',
        src: 'association',
        input: ({ context }) => ({ assertion: null, ...associationByCertificate(context) }),
        onDone: {
          target: 'authentication',
          actions: [
            { type: 'rememberAssociation', params: ({ event }) => event.output },
            { type: 'reportAssociation', params: ({ event }) => event.output },
          ],
        },
        onError: {
          target: 'authentication',
          actions: {
            type: 'reportUnassociated',
            params: ({ context, event }) => ({ domain: context.remote, why: toFault(event.error, 'internal') }),
          },
        },
      },
      after: {
        associationTimeout: {
          target: 'authentication',
          actions: {
            type: 'reportUnassociated',
            params: ({ context }) => ({
              domain: context.remote,
              why: fault('pkix', 'association-timeout', 'local'),
            }),
          },
        },
      },
    },
    authentication: {
      description:
        'EXTERNAL is offered if it will succeed; the peer may assert itself by dialback, or only ask us to verify.',
      meta: { spec: 'RFC 7712 §4.2, §4.3' },
      initial: 'awaitingAuthentication',
      entry: ['sendFeatures', 'reportVerifiable'],
      on: {
        ...authority,
        ...associating,
        ...receiving,
        'peer.startTlsRequested': {
          guard: 'isNotSecured',
          target: 'tlsNegotiation.awaitingHandshake',
          actions: { type: 'send', params: { kind: 'proceed' } },
        },
        'peer.bidiRequested': { guard: 'bidiWasOffered', actions: 'enableBidi' },
        'peer.authRequested': [
          {
            guard: { type: 'mechanismIsForeign', params: ({ event }) => event.mechanism },
            actions: { type: 'refuseSasl', params: 'invalid-mechanism' },
            target: '.decidingPatience',
          },
          {
            guard: 'externalWasNotOffered',
            actions: { type: 'refuseSasl', params: 'not-authorized' },
            target: '.decidingPatience',
          },
          {
            guard: { type: 'responseIsOmitted', params: ({ event }) => event.initialResponse },
            actions: { type: 'send', params: { kind: 'challenge' } },
            target: '.saslExternal',
          },
          {
            guard: { type: 'authzidIsGranted', params: ({ event }) => event.initialResponse ?? '' },
            actions: ['forgetAssertions', 'forgetAsserted', 'grantExternal'],
            target: '#receivingStream.streamHeaders',
          },
          {
            actions: { type: 'refuseAuthzid', params: ({ event }) => event.initialResponse ?? '' },
            target: '.decidingPatience',
          },
        ],
        // RFC 6120 §6.4.4: also if the peer's abort and our answer crossed on the wire.
        'peer.saslAborted': { target: '.decidingPatience', actions: { type: 'refuseSasl', params: 'aborted' } },
        'transport.idle': { guard: 'nothingIsPending', target: 'closing' },
      },
      always: { guard: 'somePairIsValid', target: 'established' },
      // A fixed deadline, whatever the peer does meanwhile: neither an assertion nor a SASL attempt extends it.
      after: {
        unprovedTimeout: { target: 'closing', actions: { type: 'rememberFault', params: nobodyAuthenticated } },
      },
      states: {
        awaitingAuthentication: {
          description: 'Features are sent.',
          meta: {
            spec: 'RFC 6120 §6.4, XEP-0220 §2.2',
            awaits: 'SASL EXTERNAL, or the first valid db:result',
            mover: 'peer',
            ifLate: 'the stream is closed with connection-timeout',
          },
          tags: 'waiting',
          after: {
            authenticationTimeout: [
              {
                guard: 'nothingIsPending',
                target: '#closing',
                actions: {
                  type: 'rememberFault',
                  params: nobodyAuthenticated,
                },
              },
              { target: 'awaitingVerifications' },
            ],
          },
        },
        awaitingVerifications: {
          description:
            'Time is up: a verification that is still running may prove the peer; otherwise its assertions have failed.',
          meta: {
            spec: 'XEP-0220 §2.2',
            awaits: 'the verification of what the peer asserted',
            mover: 'us',
            ifLate: 'the stream is closed with connection-timeout',
          },
          tags: 'waiting',
          always: [
            { guard: 'somePairIsValid', target: '#receivingStream.established' },
            {
              guard: 'nothingIsPending',
              target: '#closing',
              actions: { type: 'rememberFault', params: nobodyAuthenticated },
            },
          ],
          after: {
            verificationTimeout: {
              target: '#closing',
              actions: { type: 'rememberFault', params: nobodyAuthenticated },
            },
          },
        },
        saslExternal: {
          description: 'An empty challenge was sent, since the request brought no response (RFC 4422 App. A).',
          meta: {
            spec: 'RFC 6120 §6.4.3',
            awaits: '<response/>',
            mover: 'peer',
            ifLate: 'the stream is closed with connection-timeout',
          },
          tags: 'waiting',
          on: {
            'peer.saslResponded': [
              {
                guard: { type: 'authzidIsGranted', params: ({ event }) => event.data },
                actions: ['forgetAssertions', 'forgetAsserted', 'grantExternal'],
                target: '#receivingStream.streamHeaders',
              },
              { actions: { type: 'refuseAuthzid', params: ({ event }) => event.data }, target: 'decidingPatience' },
            ],
            'peer.authRequested': [
              {
                guard: 'saslIsExhausted',
                target: '#closing',
                actions: {
                  type: 'rememberFault',
                  params: fault('stream', 'policy-violation', 'peer', 'too many SASL attempts'),
                },
              },
              { target: 'awaitingAuthentication', actions: 'discardHandshake' },
            ],
          },
          after: {
            saslTimeout: {
              target: '#closing',
              actions: {
                type: 'rememberFault',
                params: fault('stream', 'connection-timeout', 'peer', 'no <response/> in time'),
              },
            },
          },
        },
        decidingPatience: {
          description:
            'A refusal does not end the stream, since dialback may follow; too many attempts do (RFC 6120 §6.4.5).',
          meta: { spec: 'RFC 6120 §6.4.5' },
          always: [
            {
              guard: 'saslIsExhausted',
              target: '#closing',
              actions: {
                type: 'rememberFault',
                params: fault('stream', 'policy-violation', 'peer', 'too many SASL attempts'),
              },
            },
            { target: 'awaitingAuthentication' },
          ],
        },
      },
    },
    established: {
      description: 'At least one pair may come in; further domains of the far end are verified while stanzas flow.',
      meta: { spec: 'RFC 7712 §4.4' },
      tags: 'quiet',
      entry: ['sendFinalFeatures', 'reportExternalAdmitted', 'reportEstablished'],
      on: {
        ...authority,
        ...originating,
        ...associating,
        ...receiving,
        'transport.idle': { guard: 'nothingIsPending', target: 'closing' },
      },
    },
    ...ending,
  },
});
