/** DANE: what the signed TLSA records say of the certificate (RFC 7673 §4). */
import { tlsaOwner } from '../../protocol/tlsa.ts';
import { type Cause, place, said, type Situation } from './cause.ts';

const owner = ({ endpoint }: Situation): string =>
  endpoint == null ? 'the TLSA name of the server' : tlsaOwner(endpoint.host, endpoint.port);

/** Where the fault tells the record that would match, it is the one. */
const recordOf = ({ fault }: Situation): string | undefined =>
  /the certificate is (\d \d \d [0-9a-f]+)/.exec(fault.text ?? '')?.[1];

const publish = (situation: Situation): string => {
  const record = recordOf(situation);
  const what = record === undefined ? '"3 1 1" with the SHA-256 of its public key' : `"${record}"`;
  return `publish that of the certificate in use, ${what}, at ${owner(situation)}`;
};

export const daneCauses: readonly Cause[] = [
  {
    id: 'tlsa-mismatch',
    layers: ['dane'],
    conditions: ['no-tlsa-match'],
    because: (situation) =>
      `The signed TLSA records name another certificate than the one that ${place(situation)} shows; so it is after a roll-over that forgot the DNS${said(situation)}.`,
    fix: (situation) =>
      `Have the server show the certificate that the records name, or ${publish(situation)}. At the next roll-over publish the new record first, and wait for its TTL.`,
  },
  {
    id: 'tlsa-wrong-parameters',
    layers: ['dane'],
    conditions: ['tlsa-wrong-usage', 'tlsa-wrong-selector'],
    because: (situation) =>
      `The TLSA record is of the right certificate, with wrong numbers before it${said(situation)}.`,
    fix: (situation) => `Correct usage or selector as said, or ${publish(situation)}.`,
  },
  {
    id: 'tlsa-unusable',
    layers: ['dane'],
    conditions: ['no-usable-record', 'no-usable-tlsa'],
    because: (situation) =>
      `There are signed TLSA records at ${owner(situation)}, and none is of a kind that can be used; without them the certificate proves nothing.`,
    fix: (situation) => `Remove them and ${publish(situation)}.`,
  },
  {
    id: 'tlsa-name-mismatch',
    layers: ['dane'],
    conditions: ['name-mismatch'],
    because: (situation) =>
      `A TLSA record of usage 0, 1 or 2 wants a certificate that names the domain or its host${said(situation)}.`,
    fix: (situation) =>
      `Get a certificate with the dNSName ${situation.domain}; or ${publish(situation)}: usage 3 looks at no names.`,
  },
  {
    id: 'tlsa-path-broken',
    layers: ['dane'],
    when: ({ fault }) => fault.origin === 'peer' && fault.condition !== 'no-certificate',
    because: (situation) =>
      `The TLSA record wants a certification path, and the server shows none that holds${said(situation)}.`,
    fix: (situation) => `Have the server send the whole chain; or ${publish(situation)}: usage 3 looks at no path.`,
  },
];
