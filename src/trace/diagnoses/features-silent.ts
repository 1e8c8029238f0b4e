/** The response header has come, and no features follow (RFC 6120 §4.3.2). */
import { isFields } from '../explain-context.ts';
import { silence } from './diagnosis.ts';

export const featuresSilent = silence({
  id: 'features-silent',
  states: { initiatingStream: ['streamHeaders.awaitingFeatures'] },
  because: ({ where, lasting, negotiation: { stream, local } }) =>
    isFields(stream?.context['tls'])
      ? `${where} answered our header, and has offered no features for ${lasting}: under TLS it first looks into what proves ${local}, by DNS or HTTPS, and that hangs.`
      : `${where} answered our header, and has offered no features for ${lasting}.`,
  fix: 'far-end-late',
});
