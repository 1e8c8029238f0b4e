/** TLS NEGOTIATION (RFC 6120 §5, XEP-0368). */
import { assign, sendTo } from 'xstate';
import { requiresTls } from '../../src/protocol/policy.ts';
import type { TlsFacts } from '../events.ts';
import { policyTowards, tlsIsRequired } from './rules.ts';
import { nothingNegotiated, nothingSaid } from './context.ts';
import { streamHeaders } from './headers.ts';

export const tlsNegotiation = streamHeaders.extend({
  guards: {
    peerCannotStartTls: ({ context }) =>
      context.negotiation.peerPredatesFeatures && context.tls === null && tlsIsRequired(context),
    startTlsIsNext: ({ context }) =>
      context.tls === null &&
      // TLS that is required is requested even if it was not offered: the offer may have been stripped (RFC 7590 §3.1).
      ((context.negotiation.features?.startTls ?? 'absent') !== 'absent' || tlsIsRequired(context)),
    plainTextIsAllowed: ({ context }) => context.remote !== '' && !requiresTls(policyTowards(context, context.remote)),
  },
  actions: {
    secureAsClient: sendTo('transport', ({ context }) => ({
      type: 'transport.secureAsClient' as const,
      serverName: context.remote,
      local: context.local,
      minTls: policyTowards(context, context.remote).minTls,
    })),
    secureAsServer: sendTo('transport', ({ context }) => ({
      type: 'transport.secureAsServer' as const,
      streamTo: context.local === '' ? null : context.local,
    })),
    /** RFC 6120 §5.4.3.3: everything received before TLS is discarded (S5). */
    rememberTls: assign((_, tls: TlsFacts) => ({ tls, negotiation: nothingNegotiated, dna: nothingSaid })),
  },
});
