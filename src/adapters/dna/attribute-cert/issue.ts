/** Issues proofs of prooftype attribute-cert: the owner of a domain gives one to its provider at least once a week. */
import { bitString, contextTag, integer, octetString, sequence, set, tagged } from '../../der-writer.ts';
import { dnaFailure } from '../../../protocol/dna-conditions.ts';
import { armoured } from '../armour.ts';
import { EXTENSION } from './extensions.ts';
import { DELEGATION_ATTRIBUTES, HOLDER_TYPE, SHA256_ALGORITHM } from './certificate.ts';
import { writeCarriage } from './carriage.ts';
import { certificateNames } from '../certificate-names.ts';
import { TAG } from '../proof-der.ts';
import { type DelegationOrder, fitOrder } from '../order.ts';
import { ATTRIBUTE_CERTIFICATE_SCHEMES, signed } from '../signatures.ts';

const NULL = Buffer.of(0x05, 0x00);
/** DER of an empty Name. */
const NOBODY = sequence();

/**
 * The contents of `<proof type='urn:xmpp:dna:proof:attribute-cert'/>` (docs/delegation-proofs.md §4).
 * @throws FaultError `dna`: `issuer-unfit`, local; `proof-too-large` when the chain leaves no room.
 */
export function issueAttributeCertificate(order: DelegationOrder): string {
  const fit = fitOrder(order, ATTRIBUTE_CERTIFICATE_SCHEMES);
  const { subject, keyIdentifier } = certificateNames(fit.chain[0] ?? NOBODY);
  if (subject.equals(NOBODY))
    throw dnaFailure('issuer-unfit', 'the subject of the signer is empty, which RFC 5755 §4.2.3 does not allow');
  const algorithm = Buffer.from(fit.schemeId, 'hex');
  const digest = Buffer.concat([
    tagged(TAG.enumerated, Buffer.of(HOLDER_TYPE[fit.holder.type])),
    SHA256_ALGORITHM,
    bitString(fit.holder.sha256),
  ]);
  const info = sequence(
    integer(Buffer.of(1)),
    sequence(contextTag(2, digest)),
    contextTag(0, sequence(contextTag(4, subject))),
    algorithm,
    integer(fit.serial),
    sequence(...[fit.notBeforeMs, fit.notAfterMs].map(generalizedTime)),
    sequence(
      sequence(
        tagged(TAG.oid, DELEGATION_ATTRIBUTES[fit.service]),
        set(tagged(TAG.ia5String, Buffer.from(fit.domain, 'latin1'))),
      ),
    ),
    sequence(
      ...(keyIdentifier === null
        ? []
        : [extension('authorityKeyIdentifier', sequence(contextTag(0, keyIdentifier, { constructed: false })))]),
      extension('noRevAvail', NULL),
    ),
  );
  const signature = bitString(signed(fit.scheme, info, fit.key));
  return armoured(writeCarriage(Buffer.concat([info, algorithm, signature]), fit.chain));
}

const extension = (name: keyof typeof EXTENSION, value: Uint8Array): Buffer =>
  sequence(tagged(TAG.oid, Buffer.from(EXTENSION[name], 'hex')), octetString(value));

function generalizedTime(atMs: number): Buffer {
  const digits = new Date(atMs).toISOString().replace(/[-:T]|\.\d+/g, '');
  return tagged(TAG.generalizedTime, Buffer.from(digits, 'latin1'));
}
