/** The connection stands, and no response header comes (RFC 6120 §4.7). */
import { fixOf } from '../causes/diagnose.ts';
import { isFields } from '../explain-context.ts';
import { silence } from './diagnosis.ts';

export const headerSilent = silence({
  id: 'header-silent',
  states: { initiatingStream: ['streamHeaders.awaitingHeader'] },
  because: ({ where, lasting, negotiation: { stream } }) =>
    isFields(stream?.context['tls'])
      ? `${where} has finished TLS, and has not answered our stream header under it for ${lasting}.`
      : `${where} took the connection, and has not answered our stream header for ${lasting}.`,
  fix: ({ negotiation: { stream, situation } }) =>
    isFields(stream?.context['tls'])
      ? 'Look at the log of that server: it hangs where it begins the stream anew, after TLS or SASL.'
      : fixOf('silent-server', situation),
});
