/** DANE: what the signed TLSA records say about the certificate (RFC 7673 §4). */
import { tlsaOwner } from '../../../protocol/tlsa.ts';
import { type Cause, place, said, says, type Situation } from './cause.ts';

const owner = ({ endpoint }: Situation): string =>
  endpoint == null ? 'the TLSA name of the server' : tlsaOwner(endpoint.host, endpoint.port);

/** The record that would match, if the fault names it. */
const recordOf = ({ fault }: Situation): string | undefined =>
  /the certificate is (\d \d \d [0-9a-f]+)/.exec(fault.text ?? '')?.[1];

const publish = (situation: Situation): string => {
  const record = recordOf(situation);
  const what = record === undefined ? '"3 1 1" with the SHA-256 of its public key' : `"${record}"`;
  return `publish the record of the certificate in use, ${what}, at ${owner(situation)}`;
};

export const daneCauses: readonly Cause[] = [
  {
    id: 'nobody-validates',
    layers: ['dane'],
    conditions: ['no-validator'],
    because: ({ domain }) =>
      `${domain} could only be proved by DANE, but DNS answers are not validated here, and without that its records count for nothing.`,
    fix: ({ domain }) =>
      `Have the DNS validated (dns.validator: libunbound, or trusted-resolver), or name other prooftypes in the policy towards ${domain}.`,
    mover: 'operator',
  },
  {
    id: 'no-signed-tlsa',
    layers: ['dane'],
    conditions: ['insecure-delegation', 'insecure-address', 'no-tlsa'],
    because: (situation) =>
      `${situation.domain} could only be proved by DANE, but has no signed TLSA records for it${said(situation)}.`,
    fix: (situation) =>
      `Have ${situation.domain} sign its zone, and that of its host, and ${publish(situation)}; or name other prooftypes in the policy towards it, such as pkix.`,
  },
  {
    id: 'tlsa-authority-not-sent',
    layers: ['dane'],
    conditions: ['no-tlsa-match'],
    when: says(/no authority was sent/),
    because: (situation) =>
      `The signed TLSA records name an authority, and ${place(situation)} sends only its own certificate, so no chain leads there${said(situation)}.`,
    fix: (situation) =>
      `Have the server send its whole chain with that authority in it, as RFC 7671 §5.2.2 requires; or ${publish(situation)}: usage 3 does not check the path.`,
  },
  {
    id: 'tlsa-mismatch',
    layers: ['dane'],
    conditions: ['no-tlsa-match'],
    because: (situation) =>
      `The signed TLSA records name another certificate than the one that ${place(situation)} shows; this usually happens when a certificate was replaced without updating the DNS${said(situation)}.`,
    fix: (situation) =>
      `Have the server show the certificate that the records name, or ${publish(situation)}. At the next roll-over publish the new record first, and wait for its TTL.`,
  },
  {
    id: 'tlsa-wrong-parameters',
    layers: ['dane'],
    conditions: ['tlsa-wrong-usage', 'tlsa-wrong-selector'],
    because: (situation) =>
      `The TLSA record is for the right certificate, but with wrong parameters${said(situation)}.`,
    fix: (situation) => `Correct the usage or selector as stated above, or ${publish(situation)}.`,
  },
  {
    id: 'tlsa-unusable',
    layers: ['dane'],
    conditions: ['no-usable-record', 'no-usable-tlsa'],
    because: (situation) =>
      `There are signed TLSA records at ${owner(situation)}, but none is of a usable kind; without them the certificate proves nothing.`,
    fix: (situation) => `Remove them and ${publish(situation)}.`,
  },
  {
    id: 'tlsa-name-mismatch',
    layers: ['dane'],
    conditions: ['name-mismatch'],
    because: (situation) =>
      `A TLSA record of usage 0, 1 or 2 requires a certificate that names the domain or its host${said(situation)}.`,
    fix: (situation) =>
      `Get a certificate with the dNSName ${situation.domain}; or ${publish(situation)}: usage 3 does not check names.`,
  },
  {
    id: 'tlsa-path-broken',
    layers: ['dane'],
    when: ({ fault }) => fault.origin === 'peer' && fault.condition !== 'no-certificate',
    because: (situation) =>
      `The TLSA record requires a certification path, but the server presents no valid one${said(situation)}.`,
    fix: (situation) =>
      `Have the server send the whole chain; or ${publish(situation)}: usage 3 does not check the path.`,
  },
];
