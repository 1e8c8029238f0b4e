/** The connection is open, and no response header comes (RFC 6120 §4.7). */
import { fixOf } from '../causes/diagnose.ts';
import { silence } from './diagnosis.ts';

export const headerSilent = silence({
  id: 'header-silent',
  states: { initiatingStream: ['streamHeaders.awaitingHeader'] },
  because: ({ where, lasting, negotiation: { situation } }) =>
    situation.isAuthenticated === true
      ? `${where} has accepted our certificate (SASL EXTERNAL), and has not answered our stream header after it for ${lasting}.`
      : situation.isEncrypted === true
        ? `${where} has finished TLS, and has not answered our stream header under TLS for ${lasting}.`
        : `${where} accepted the connection, and has not answered our stream header for ${lasting}.`,
  fix: ({ negotiation: { situation } }) =>
    fixOf(situation.isEncrypted === true ? 'silent-under-tls' : 'silent-server', situation),
});
