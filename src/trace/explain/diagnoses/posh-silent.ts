/** The web server of the domain does not answer the request for its POSH document (RFC 7711 §3). */
import { silence } from './diagnosis.ts';

export const poshSilent = silence({
  id: 'posh-silent',
  states: { poshProoftype: ['awaitingDocument'], association: ['posh'] },
  because: ({ domain, lasting }) =>
    `The web server of ${domain} has been asked for its POSH document, and has not answered for ${lasting}.`,
  fix: 'posh-unreachable',
});
