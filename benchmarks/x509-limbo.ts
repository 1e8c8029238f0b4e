/**
 * Runs the cases of C2SP/x509-limbo through our path validation and identity matching, and through OpenSSL alone:
 *
 *     node --import tsx benchmarks/x509-limbo.ts ../shared/conformance/x509-limbo.json [--all]
 *
 * OpenSSL alone is `X509_verify_cert` with purpose sslserver, `-x509_strict`, level 2 and `-verify_hostname`. `--all`
 * prints every case, not only those where we and limbo disagree.
 */
import { readFileSync } from 'node:fs';
import { readCertificate } from '../src/adapters/pkix/certificates.ts';
import {
  PURPOSE,
  VERIFY_FLAG,
  decodeCertificate,
  decodeCrl,
  loadLibcrypto,
  scoped,
} from '../src/adapters/pkix/openssl.ts';
import { createPathValidator } from '../src/adapters/pkix/path-validator.ts';
import { derOf } from '../src/adapters/pkix/trust.ts';
import { FaultError, faultSentence } from '../src/protocol/faults.ts';
import { canonicalDomain } from '../src/protocol/names.ts';
import { matchIdentity } from '../src/protocol/identity.ts';

interface LimboCase {
  readonly id: string;
  readonly features: readonly string[] | null;
  readonly validation_kind: 'SERVER' | 'CLIENT';
  readonly trusted_certs: readonly string[];
  readonly untrusted_intermediates: readonly string[];
  readonly peer_certificate: string;
  readonly validation_time: string | null;
  readonly expected_result: 'SUCCESS' | 'FAILURE';
  readonly expected_peer_name: { readonly kind: 'DNS' | 'IP' | 'RFC822'; readonly value: string } | null;
  readonly max_chain_depth: number | null;
  readonly crls?: readonly string[];
}

interface Outcome {
  readonly accepted: boolean;
  readonly why: string;
}

const CN = 'a rule about the common name, which is never read here: the SAN matched (RFC 9525 App. A)';
const CABF = 'a rule of the CA/Browser Forum for those who issue, without weight for who validates';
const RFC5280_ISSUER = 'a rule of RFC 5280 §4 for those who issue; §6, which is for validators, has no such step';
const PUBLIC_SUFFIX =
  'would need the public suffix list; no public authority issues such a wildcard, a private one may';
const LEAF_IS_CA = 'the leaf is CA:TRUE, which RFC 6120 §13.7.1.1 forbids to a server (limbo has it both ways)';

/** Why we keep an answer that limbo does not expect. Every disagreement needs its line here, or the run fails. */
const KNOWN: Readonly<Record<string, string>> = {
  'crl::crlnumber-missing': RFC5280_ISSUER,
  'crl::issuer-no-keyusage-extension':
    "refused for the root without keyUsage, under profile 'all' only; the default accepts it of an operator's own root",
  'pathlen::validation-ignores-pathlen-in-leaf': LEAF_IS_CA,
  'pathlen::max-chain-depth-1-self-issued':
    'self-issued intermediates count: the bound is on work, not on RFC 5280 depth',
  'rfc5280::aki::cross-signed-root-missing-aki':
    'the certificate is the anchor, an input of RFC 5280 §6, not part of the path',
  'rfc5280::nc::permitted-dns-match-noncritical': 'limbo has it both ways; the constraint holds, critical or not',
  'rfc5280::nc::invalid-dnsname-leading-period':
    'OpenSSL reads it as "below only", and private authorities write it so',
  'rfc5280::pc::ica-noncritical-pc': 'policy constraints are applied by OpenSSL, critical or not',
  'rfc5280::serial::too-long': RFC5280_ISSUER,
  'rfc5280::serial::zero': RFC5280_ISSUER,
  'rfc5280::serial::negative': RFC5280_ISSUER,
  'rfc5280::ca-as-leaf': LEAF_IS_CA,
  'webpki::aki::root-with-aki-missing-keyidentifier': CABF,
  'webpki::aki::root-with-aki-authoritycertissuer': CABF,
  'webpki::aki::root-with-aki-authoritycertserialnumber': CABF,
  'webpki::aki::root-with-aki-all-fields': CABF,
  'webpki::aki::root-with-aki-ski-mismatch': CABF,
  'webpki::cn::ipv4-hex-mismatch': CN,
  'webpki::cn::ipv4-leading-zeros-mismatch': CN,
  'webpki::cn::ipv6-uppercase-mismatch': CN,
  'webpki::cn::ipv6-uncompressed-mismatch': CN,
  'webpki::cn::ipv6-non-rfc5952-mismatch': CN,
  'webpki::cn::punycode-not-in-san': CN,
  'webpki::cn::utf8-vs-punycode-mismatch': CN,
  'webpki::cn::not-in-san': CN,
  'webpki::cn::case-mismatch': CN,
  'webpki::eku::ee-anyeku': 'has serverAuth too; anyExtendedKeyUsage is accepted',
  'webpki::eku::ee-critical-eku': CABF,
  'webpki::eku::ee-without-eku': 'limbo has it both ways; absent means any purpose (RFC 5280 §4.2.1.12)',
  'webpki::eku::root-has-eku': CABF,
  'webpki::san::public-suffix-wildcard-san': PUBLIC_SUFFIX,
  'webpki::san::public-suffix-multi-label-wildcard-san': PUBLIC_SUFFIX,
  'webpki::san::public-suffix-private-namespace-wildcard-san': PUBLIC_SUFFIX,
  'webpki::san::san-critical-with-nonempty-subject': CABF,
  'webpki::malformed-aia': 'the extension is never followed, so what is in it does not matter',
  'webpki::forbidden-rsa-not-divisible-by-8-in-root': CABF,
  'webpki::forbidden-rsa-key-not-divisible-by-8-in-leaf': CABF,
};

const path = process.argv[2];
if (path === undefined) throw new TypeError('usage: x509-limbo.ts <x509-limbo.json> [--all]');
// The schema is limbo's own; this is the only place where the file becomes a type.
const { testcases } = JSON.parse(readFileSync(path, 'utf8')) as { readonly testcases: readonly LimboCase[] };

function skipReason(limbo: LimboCase): string | null {
  // An initiating server is judged as a server too, so limbo's client cases do not apply to us.
  if (limbo.validation_kind === 'CLIENT') return 'e-mail names in a clientAuth certificate: never valid for s2s';
  return null;
}

const atMsOf = (limbo: LimboCase): number =>
  limbo.validation_time === null ? Date.now() : Date.parse(limbo.validation_time);

function ours(limbo: LimboCase): Outcome {
  const chain = [limbo.peer_certificate, ...limbo.untrusted_intermediates].flatMap((pem) => derOf(pem, 'CERTIFICATE'));
  const validator = createPathValidator({
    system: false,
    anchors: limbo.trusted_certs,
    crls: limbo.crls ?? [],
    profile: 'all',
    ...(limbo.max_chain_depth === null ? {} : { maxIntermediates: limbo.max_chain_depth }),
  });
  try {
    const verdict = validator.validate({ der: chain }, atMsOf(limbo));
    if (verdict.kind === 'invalid')
      return { accepted: false, why: `${verdict.condition} at ${verdict.depth}: ${verdict.text}` };
    if (limbo.expected_peer_name === null) return { accepted: true, why: 'valid' };
    const [leaf = Buffer.alloc(0)] = chain;
    const sourceDomain = canonicalDomain(limbo.expected_peer_name.value) ?? limbo.expected_peer_name.value;
    const identity = matchIdentity(
      { service: 'xmpp-server', sourceDomain, derivedDomains: [] },
      readCertificate(leaf).presented,
    );
    return { accepted: identity.kind === 'match', why: identity.kind };
  } catch (error) {
    if (error instanceof FaultError) return { accepted: false, why: faultSentence(error.fault) };
    throw error;
  } finally {
    validator.close();
  }
}

function opensslAlone(limbo: LimboCase): Outcome {
  const ssl = loadLibcrypto();
  return scoped((own) => {
    const read = (pem: string) =>
      derOf(pem, 'CERTIFICATE').flatMap((der) => {
        const certificate = decodeCertificate(ssl, der);
        return certificate === null ? [] : [own(certificate, ssl.X509_free)];
      });
    const store = own(ssl.X509_STORE_new(), ssl.X509_STORE_free);
    for (const anchor of limbo.trusted_certs.flatMap(read)) ssl.X509_STORE_add_cert(store, anchor);
    for (const der of (limbo.crls ?? []).flatMap((pem) => derOf(pem, 'X509 CRL')))
      ssl.X509_STORE_add_crl(store, own(decodeCrl(ssl, der), ssl.X509_CRL_free));
    const untrusted = own(ssl.OPENSSL_sk_new_null(), ssl.OPENSSL_sk_free);
    for (const certificate of limbo.untrusted_intermediates.flatMap(read)) ssl.OPENSSL_sk_push(untrusted, certificate);
    const [leaf] = read(limbo.peer_certificate);
    if (leaf === undefined) return { accepted: false, why: 'not read' };
    const ctx = own(ssl.X509_STORE_CTX_new(), ssl.X509_STORE_CTX_free);
    ssl.X509_STORE_CTX_init(ctx, store, leaf, untrusted);
    const param = ssl.X509_STORE_CTX_get0_param(ctx);
    const crlCheck = (limbo.crls ?? []).length > 0 ? VERIFY_FLAG.crlCheck : 0;
    ssl.X509_VERIFY_PARAM_set_flags(param, VERIFY_FLAG.strict | VERIFY_FLAG.partialChain | crlCheck);
    ssl.X509_VERIFY_PARAM_set_purpose(param, PURPOSE.sslServer);
    ssl.X509_VERIFY_PARAM_set_auth_level(param, 2);
    ssl.X509_VERIFY_PARAM_set_time(param, Math.floor(atMsOf(limbo) / 1000));
    if (limbo.max_chain_depth !== null) ssl.X509_VERIFY_PARAM_set_depth(param, limbo.max_chain_depth);
    const name = limbo.expected_peer_name;
    if (name?.kind === 'IP') ssl.X509_VERIFY_PARAM_set1_ip_asc(param, name.value);
    else if (name !== null) ssl.X509_VERIFY_PARAM_set1_host(param, name.value, 0);
    const accepted = ssl.X509_verify_cert(ctx) === 1;
    ssl.ERR_clear_error();
    return { accepted, why: ssl.X509_verify_cert_error_string(ssl.X509_STORE_CTX_get_error(ctx)) };
  });
}

const tally = { ours: { passed: 0, failed: 0 }, openssl: { passed: 0, failed: 0 } };
const skipped: string[] = [];
const unexplained: string[] = [];
let slowest = { id: '', ms: 0 };

for (const limbo of testcases) {
  const reason = skipReason(limbo);
  if (reason !== null) {
    skipped.push(`${limbo.id}: ${reason}`);
    continue;
  }
  const started = performance.now();
  const our = ours(limbo);
  const ms = performance.now() - started;
  if (ms > slowest.ms) slowest = { id: limbo.id, ms };
  const raw = opensslAlone(limbo);
  const expected = limbo.expected_result === 'SUCCESS';
  const [weAgree, opensslAgrees] = [our.accepted === expected, raw.accepted === expected];
  tally.ours[weAgree ? 'passed' : 'failed'] += 1;
  tally.openssl[opensslAgrees ? 'passed' : 'failed'] += 1;
  if (!weAgree && KNOWN[limbo.id] === undefined) unexplained.push(limbo.id);
  if (weAgree && !process.argv.includes('--all')) continue;
  console.log(`${weAgree ? 'ok  ' : 'FAIL'} ${limbo.id} (limbo: ${limbo.expected_result})`);
  console.log(`     ours: ${our.accepted ? 'accepted' : 'refused'}, ${our.why}`);
  console.log(`     openssl: ${raw.accepted ? 'accepted' : 'refused'}, ${raw.why}`);
  if (!weAgree) console.log(`     why: ${KNOWN[limbo.id] ?? 'UNEXPLAINED'}`);
}

console.log(`\nskipped:\n  ${skipped.join('\n  ')}`);
console.log(`\n${testcases.length} cases, ${skipped.length} skipped`);
console.log(`ours:          ${tally.ours.passed} passed, ${tally.ours.failed} failed`);
console.log(`openssl alone: ${tally.openssl.passed} passed, ${tally.openssl.failed} failed`);
console.log(`slowest: ${slowest.id}, ${slowest.ms.toFixed(1)} ms, anchors and identity included`);
if (unexplained.length > 0) {
  console.log(`\nwithout an explanation: ${unexplained.join(', ')}`);
  process.exitCode = 1;
}
