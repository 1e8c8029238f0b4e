/** The response header arrived, and no features follow (RFC 6120 §4.3.2). */
import { fixOf } from '../causes/diagnose.ts';
import { silence } from './diagnosis.ts';

export const featuresSilent = silence({
  id: 'features-silent',
  states: { initiatingStream: ['streamHeaders.awaitingFeatures'] },
  because: ({ where, lasting, negotiation: { situation, local } }) =>
    situation.isAuthenticated === true
      ? `${where} has accepted our certificate (SASL EXTERNAL), answered our header after it, and has offered no features for ${lasting}.`
      : situation.isEncrypted === true
        ? `${where} answered our header, and has offered no features for ${lasting}: under TLS many servers first check what proves ${local}, by DNS or HTTPS, and that may hang.`
        : `${where} answered our header, and has offered no features for ${lasting}.`,
  fix: ({ negotiation: { situation } }) =>
    situation.isAuthenticated === true ? 'Look at the log of that server.' : fixOf('far-end-late', situation),
});
