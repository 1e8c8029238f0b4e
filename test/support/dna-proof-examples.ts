/**
 * The examples of docs/delegation-proofs.md: a test reads them there, and `node --import tsx
 * test/support/dna-proof-examples.ts` rewrites them when a format changes.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { anchorProof } from '../../src/adapters/dna/dnssec-ta/anchor-chain.ts';
import { issueAttributeCertificate } from '../../src/adapters/dna/attribute-cert/issue.ts';
import { issueXmlAssertion } from '../../src/adapters/dna/xml-assertion/issue.ts';
import { readXmlAssertion } from '../../src/adapters/dna/xml-assertion/statement.ts';
import { zoneKeyFiles } from '../../src/adapters/dna/dnssec-ta/zone-key.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { signZoneWith } from './owned-zone.ts';

const DOCUMENT = new URL('../../docs/delegation-proofs.md', import.meta.url);
/** When the validity of examples with a limited lifetime begins. */
export const EXAMPLES_BEGIN_MS = Date.UTC(2026, 10, 22, 12, 0, 0);

const EXAMPLES = [
  'root certificate',
  'certificates of the domain',
  'certificates of the provider',
  'attribute certificate',
  'proof attribute-cert',
  'statement',
  'assertion',
  'proof xml-assertion',
  'zone key',
  'zone',
  'proof dnssec-ta',
] as const;
export type ExampleName = (typeof EXAMPLES)[number];

/** Matches the code block that follows the name of an example. */
const fenced = (name: ExampleName): RegExp =>
  new RegExp(`(<!-- example: ${name} -->\\n+\`\`\`\\w*\\n)((?:(?!\`\`\`).*\\n)*)(?=\`\`\`\\n)`);

/** The examples as they are in the document. */
export function examples(): Readonly<Record<ExampleName, string>> {
  const text = readFileSync(DOCUMENT, 'utf8');
  const found = EXAMPLES.map((name) => {
    const example = fenced(name).exec(text)?.[2];
    if (example === undefined) throw new Error(`docs/delegation-proofs.md has no example "${name}"`);
    return [name, example.trimEnd()] as const;
  });
  return Object.fromEntries(found) as Record<ExampleName, string>;
}

const inLines = (text: string): string => text.replace(/.{76}(?=.)/g, '$&\n');

function made(): Record<ExampleName, string> {
  const root = createCertificateAuthority({ name: 'Example Root' });
  const authority = root.intermediate({ name: 'Example Authority' });
  const signer = authority.issue({ dnsNames: ['a.example'] });
  const provider = authority.issue({ dnsNames: ['xmpp.provider.example'] });
  const order = {
    domain: 'a.example',
    service: 'xmpp-server',
    signer,
    provider: { certificate: provider.certPem },
    notBeforeMs: EXAMPLES_BEGIN_MS,
  } as const;
  const attributeCert = issueAttributeCertificate(order);
  const xmlAssertion = issueXmlAssertion(order);
  const xml = Buffer.from(xmlAssertion, 'base64');
  const zoneKey = zoneKeyFiles('a.example', signer.key);
  const dates = { fromMs: Date.UTC(2026, 0, 1), untilMs: Date.UTC(2049, 11, 31) };
  const zone = signZoneWith([zoneKey], ZONE, dates);
  return {
    'root certificate': root.certPem.trim(),
    'certificates of the domain': signer.cert.trim(),
    'certificates of the provider': provider.cert.trim(),
    'attribute certificate': decodedAttributeCertificate(attributeCert),
    'proof attribute-cert': inLines(attributeCert),
    statement: readXmlAssertion(xml).statement.toString(),
    assertion: xml.toString(),
    'proof xml-assertion': inLines(xmlAssertion),
    'zone key': zoneKey.publicFile.trim(),
    zone: zone.replace(/ +$/gm, '').trim(),
    'proof dnssec-ta': inLines(anchorProof(signer.cert)),
  };
}

const ZONE = `$ORIGIN a.example.
$TTL 3600
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
_xmpp-server._tcp SRV 0 0 5269 xmpp.provider.example.
`;

/** The output of OpenSSL, from the `[2]` member to the end of its contents. */
export function decodedAttributeCertificate(proof: string): string {
  const input = Buffer.from(proof, 'base64');
  const lines = execFileSync('/usr/bin/openssl', ['asn1parse', '-inform', 'DER', '-i'], {
    input,
    encoding: 'utf8',
  }).split('\n');
  const member = lines.findIndex((line) => /d=4\b.*cons:\s+cont \[ 2 \]/.test(line));
  const after = lines.findIndex((line, i) => i > member && /d=[0-4]\b/.test(line));
  return lines
    .slice(member, after)
    .map((line) => line.replace(/^.*?(?:prim|cons): {4}/, '').trimEnd())
    .join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const text = Object.entries(made()).reduce(
    (document, [name, example]) =>
      document.replace(fenced(name as ExampleName), (_, open: string) => `${open}${example}\n`),
    readFileSync(DOCUMENT, 'utf8'),
  );
  writeFileSync(DOCUMENT, text);
}
