/** Attributes of spans, named by OpenTelemetry's semantic conventions where these have a name. */
import type { Attributes } from '@opentelemetry/api';
import { endpointIn, fieldsIn, textIn } from '../trace/context.ts';
import type { RecordOf } from '../trace/record.ts';
import { isDate } from '../trace/dates.ts';

export const dnsAttributes = ({ question, type, status, data }: RecordOf<'dns'>): Attributes => ({
  'dns.question.name': question,
  'dns.answers': [...data],
  'xmpp.dna.dns.type': type,
  'xmpp.dna.dns.status': status,
});

export const poshAttributes = ({ url, domain, outcome, fingerprints }: RecordOf<'posh'>): Attributes => ({
  ...(url === null ? {} : { 'url.full': url }),
  'xmpp.dna.domain': domain,
  'xmpp.dna.outcome': outcome,
  'xmpp.dna.posh.fingerprints': fingerprints,
});

export function endpointAttributes(value: unknown): Attributes {
  const endpoint = endpointIn(value);
  if (endpoint === null) return {};
  return {
    'server.address': endpoint.host,
    'server.port': endpoint.port,
    'network.transport': 'tcp',
    'network.protocol.name': 'xmpp',
    'xmpp.dna.tls': endpoint.tls,
  };
}

export function tlsAttributes(value: unknown): Attributes {
  const { protocol, cipher, resumed } = fieldsIn(value);
  return {
    'tls.protocol.name': 'tls',
    'tls.protocol.version': textIn(protocol).replace(/^TLSv/, ''),
    'tls.cipher': textIn(cipher),
    'tls.resumed': resumed === true,
  };
}

/** @param role of the far end, which presented the certificate */
export const certificateAttributes = (
  { sha256, subject, issuer, notAfterMs }: RecordOf<'certificate'>,
  role: 'server' | 'client',
): Attributes => ({
  [`tls.${role}.hash.sha256`]: sha256,
  [`tls.${role}.subject`]: subject,
  [`tls.${role}.issuer`]: issuer,
  [`tls.${role}.not_after`]: isDate(notAfterMs) ? new Date(notAfterMs).toISOString() : '',
});
