/**
 * A peer that claims to be somebody else: what it presents in TLS and SASL, and which names it gives when (RFC 6120 §5,
 * §6, §13).
 */
import assert from 'node:assert/strict';
import { TLSSocket } from 'node:tls';
import { after, before, test } from 'node:test';
import { createCertificateAuthority, type IssueOptions } from '../../src/simulation/certificate-authority.ts';
import { auth, base64, header, message, SASL_NS, STARTTLS, type Wire } from '../support/attacker.ts';
import { startTarget, type Target } from '../support/attacker-target.ts';

let target: Target;
before(async () => {
  target = await startTarget({
    policy: {
      federation: 'authenticated',
      deny: ['denied.example'],
      domains: { 'weak.example': { federation: 'verified' } },
    },
  });
});
after(() => target.stop());

const EVIL = 'evil.example';
const issue = (options: IssueOptions) => target.ca.issue(options);
const evil = () => issue({ dnsNames: [EVIL] });
const condition = async (wire: Wire): Promise<string | undefined> =>
  (await wire.until(new RegExp(`<failure xmlns='${SASL_NS}'><([a-z-]+)/>`)))[1];
const nothingWasDeliveredFrom = (domain: string): void => {
  assert.deepEqual(target.delivered.filter(({ from }) => from?.endsWith(domain) === true).map(String), []);
};

/** Completes the negotiation as evil.example by SASL EXTERNAL. */
async function authenticate(): Promise<Wire> {
  const { wire } = await target.dialSecured(EVIL, { credential: evil() });
  wire.send(auth('='));
  await wire.until(/<success/);
  wire.text = '';
  return wire;
}

async function established(): Promise<Wire> {
  const wire = await authenticate();
  wire.send(header({ from: EVIL, to: 'b.example' }));
  await wire.greeting();
  return wire;
}

// ——— which certificates prove a domain

const impostors: readonly (readonly [string, () => IssueOptions | 'self-signed' | null])[] = [
  ['none', () => null],
  ['one for another name', () => ({ dnsNames: ['other.example'] })],
  ['one for a name below', () => ({ dnsNames: ['www.evil.example'] })],
  ['a wildcard that does not cover the parent', () => ({ dnsNames: ['*.evil.example'] })],
  ['a wildcard over a whole top level', () => ({ dnsNames: ['*'] })],
  ['a partial wildcard', () => ({ dnsNames: ['ev*.example'] })],
  ['one of an authority that nobody knows', () => 'self-signed'],
  ['an expired one', () => ({ dnsNames: [EVIL], notAfter: Date.UTC(2021, 0, 1) })],
  ['one that is not valid yet', () => ({ dnsNames: [EVIL], notBefore: Date.UTC(2048, 0, 1) })],
  ['one for clients only', () => ({ dnsNames: [EVIL], eku: ['clientAuth'] })],
  ['one that names the domain in its CN only (RFC 9525)', () => ({ commonName: EVIL })],
  ['one for another service of the domain', () => ({ srvNames: [`_xmpp-client.${EVIL}`], commonName: '' })],
  ['one for a user of the domain', () => ({ xmppAddrs: [`root@${EVIL}`], commonName: '' })],
  ['one for a resource of the domain', () => ({ xmppAddrs: [`${EVIL}/x`], commonName: '' })],
  ['one with a zero byte in its name', () => ({ dnsNames: [`${EVIL}\0.other.example`] })],
  ['one of an authority that is an end entity', () => ({ dnsNames: [EVIL], ca: true })],
];

for (const [name, options] of impostors) {
  test(`the certificate shown is ${name}: EXTERNAL is neither offered nor granted (RFC 6120 §6.3.4)`, () =>
    target.survives(async () => {
      const made = options();
      const credential =
        made === null
          ? null
          : made === 'self-signed'
            ? createCertificateAuthority({ name: 'Trusted CA' }).issue({ dnsNames: [EVIL] })
            : issue(made);
      const { wire, features } = await target.dialSecured(EVIL, { credential });
      assert.doesNotMatch(features, /EXTERNAL/);
      assert.equal(await condition(wire.send(auth('='))), 'not-authorized');
      assert.equal(await wire.send(message(`u@${EVIL}`, 'v@b.example')).streamError(), 'not-authorized');
      nothingWasDeliveredFrom(EVIL);
    }));
}

// ——— SASL

const requests: readonly (readonly [string, string, string])[] = [
  ['the authzid of another domain (RFC 6120 §6.3.8)', auth(base64('good.example')), 'invalid-authzid'],
  ['the authzid of our own domain', auth(base64('b.example')), 'invalid-authzid'],
  ['an authzid with a local part (§6.3.8)', auth(base64(`root@${EVIL}`)), 'invalid-authzid'],
  ['an authzid below its domain', auth(base64(`x.${EVIL}`)), 'invalid-authzid'],
  ['no base64 at all (§6.5.5)', auth('%%%'), 'incorrect-encoding'],
  ['base64 with an inner pad (§13.9.1)', auth('ZX=ZpbC5leGFtcGxl'), 'incorrect-encoding'],
  ['base64 with bits in its pad (§13.9.1)', auth('ZXZpbC5leGFtcGxlx=='), 'incorrect-encoding'],
  ['base64 of bytes that are not UTF-8', auth(Buffer.of(0xff, 0xfe).toString('base64')), 'incorrect-encoding'],
  ['a zero byte in the authzid', auth(base64(`${EVIL}\0good.example`)), 'incorrect-encoding'],
  ['PLAIN (§6.5.7)', auth(base64('\0root\0root'), 'PLAIN'), 'invalid-mechanism'],
  ['SCRAM-SHA-1', auth(base64('n,,n=root,r=x'), 'SCRAM-SHA-1'), 'invalid-mechanism'],
  ['no mechanism', auth('=', ''), 'invalid-mechanism'],
  ['external in small letters', auth('=', 'external'), 'invalid-mechanism'],
];

for (const [name, request, expected] of requests) {
  test(`SASL with ${name}: ${expected}, and the stream goes on (§6.4.5)`, () =>
    target.survives(async () => {
      const { wire, features } = await target.dialSecured(EVIL, { credential: evil() });
      assert.match(features, /EXTERNAL/);
      assert.equal(await condition(wire.send(request)), expected);
      wire.text = '';
      wire.send(auth(base64(EVIL)));
      await wire.until(/<success/);
      wire.drop();
    }));
}

test('SASL is tried a few times only: policy-violation (RFC 6120 §6.4.5)', () =>
  target.survives(async () => {
    const { wire } = await target.dialSecured(EVIL, { credential: evil() });
    for (let i = 0; i < 10; i += 1) wire.send(auth(base64('good.example')));
    assert.equal(await wire.streamError(), 'policy-violation');
    const failures = wire.text.match(/<failure/g)?.length ?? 0;
    assert.ok(failures >= 2 && failures <= 5, `${failures} tries`);
  }));

test('a second <auth/> takes the place of the first (RFC 6120 §6.4.2)', () =>
  target.survives(async () => {
    const { wire } = await target.dialSecured(EVIL, { credential: evil() });
    wire.send(auth(''));
    await wire.until(/<challenge/);
    assert.equal(await condition(wire.send(auth(base64('good.example')))), 'invalid-authzid');
    wire.send(`<response xmlns='${SASL_NS}'>=</response>`);
    assert.equal(await wire.streamError(), 'policy-violation'); // the first handshake no longer exists
  }));

test('endless challenges are not had either (RFC 6120 §6.4.5)', () =>
  target.survives(async () => {
    const { wire } = await target.dialSecured(EVIL, { credential: evil() });
    for (let i = 0; i < 50; i += 1) wire.send(auth(''));
    assert.equal(await wire.streamError(), 'policy-violation');
  }));

test('SASL before TLS: encryption-required (RFC 6120 §6.3.3)', () =>
  target.survives(async () => {
    const wire = await target.dial();
    wire.send(header({ from: EVIL, to: 'b.example' }));
    const { features } = await wire.greeting();
    assert.doesNotMatch(features, /EXTERNAL|dialback|bidi/);
    assert.equal(await condition(wire.send(auth('='))), 'encryption-required');
    wire.drop();
  }));

test('a stanza between <auth/> and <success/> is not believed for what comes later (§4.9.3.12)', () =>
  target.survives(async () => {
    const { wire } = await target.dialSecured(EVIL, { credential: evil() });
    wire.send(auth('') + message(`u@${EVIL}`, 'v@b.example'));
    assert.equal(await wire.streamError(), 'not-authorized');
    nothingWasDeliveredFrom(EVIL);
  }));

test('what is sent behind <auth/>, before the restart, is no stanza (§6.4.6)', () =>
  target.survives(async () => {
    const { wire } = await target.dialSecured(EVIL, { credential: evil() });
    wire.send(auth('=') + message(`u@${EVIL}`, 'v@b.example'));
    const text = await wire.end();
    assert.match(text, /<success/);
    assert.match(text, /<stream:error>/);
    nothingWasDeliveredFrom(EVIL);
  }));

test('<auth/> after success: policy-violation', () =>
  target.survives(async () => {
    const wire = await established();
    assert.equal(await wire.send(auth('=')).streamError(), 'policy-violation');
  }));

test('<starttls/> under TLS: policy-violation (§5.3.4)', () =>
  target.survives(async () => {
    const wire = await established();
    assert.equal(await wire.send(STARTTLS).streamError(), 'policy-violation');
  }));

// ——— names that change

test('another from under TLS than before it: only the later one counts (§4.7.1)', () =>
  target.survives(async () => {
    const wire = await target.dial();
    wire.send(header({ from: 'good.example', to: 'b.example' }));
    await wire.greeting();
    await wire.starttls({ credential: evil() });
    wire.send(header({ from: EVIL, to: 'b.example' }));
    await wire.greeting();
    wire.send(auth('='));
    await wire.until(/<success/);
    wire.text = '';
    wire.send(header({ from: EVIL, to: 'b.example' }));
    await wire.greeting();
    assert.equal(await wire.send(message('u@good.example', 'v@b.example')).streamError(), 'invalid-from');
    nothingWasDeliveredFrom('u@good.example');
  }));

test('a certificate for the from before TLS is nothing to the from under TLS', () =>
  target.survives(async () => {
    const wire = await target.dial();
    wire.send(header({ from: EVIL, to: 'b.example' }));
    await wire.greeting();
    await wire.starttls({ credential: evil() });
    wire.send(header({ from: 'good.example', to: 'b.example' }));
    const { features } = await wire.greeting();
    assert.doesNotMatch(features, /EXTERNAL/);
    assert.equal(await condition(wire.send(auth('='))), 'not-authorized');
    assert.equal(await wire.send(message('u@good.example', 'v@b.example')).streamError(), 'not-authorized');
  }));

for (const [name, attributes, expected] of [
  ['another from', { from: 'good.example', to: 'b.example' }, 'invalid-from'],
  ['no from', { to: 'b.example' }, 'improper-addressing'],
  ['another to', { from: EVIL, to: 'b2.example' }, 'improper-addressing'],
  ['an unknown to', { from: EVIL, to: 'c.example' }, 'host-unknown'],
] as const) {
  test(`${name} after SASL than before it: ${expected} (CVE-2018-10847)`, () =>
    target.survives(async () => {
      const wire = await authenticate();
      assert.equal(await wire.send(header(attributes)).streamError(), expected);
    }));
}

test('no from under TLS: improper-addressing (§4.7.1)', () =>
  target.survives(async () => {
    const wire = await target.dial();
    wire.send(header({ to: 'b.example' }));
    await wire.greeting();
    await wire.starttls();
    assert.equal(await wire.send(header({ to: 'b.example' })).streamError(), 'improper-addressing');
  }));

for (const from of ['denied.example', 'below.denied.example', 'DENIED.example.']) {
  test(`policy denies ${from}: policy-violation before TLS and under it`, () =>
    target.survives(async () => {
      const wire = await target.dial();
      assert.equal(await wire.send(header({ from, to: 'b.example' })).streamError(), 'policy-violation');
      const late = await target.dial();
      late.send(header({ to: 'b.example' }));
      await late.greeting();
      await late.starttls();
      assert.equal(await late.send(header({ from, to: 'b.example' })).streamError(), 'policy-violation');
    }));
}

// ——— TLS

for (const [name, behind] of [
  ['a stanza', message(`u@${EVIL}`, 'v@b.example')],
  ['a stream header', header({ from: EVIL, to: 'b.example' })],
  ['one byte', ' '],
  ['a key', `<db:result from='${EVIL}' to='b.example'>x</db:result>`],
] as const) {
  test(`${name} in the clear behind <starttls/>: the connection is dropped (CVE-2011-0411)`, () =>
    target.survives(async () => {
      const wire = await target.dial();
      wire.send(header({ from: EVIL, to: 'b.example' }));
      await wire.greeting();
      const text = await wire.send(STARTTLS + behind).end();
      assert.doesNotMatch(text, /stream:error|stream:features|db:/);
      nothingWasDeliveredFrom(EVIL);
    }));
}

test('plain XML where TLS was agreed: the connection is dropped without a word (§5.4.3.2)', () =>
  target.survives(async () => {
    const wire = await target.dial();
    wire.send(header({ from: EVIL, to: 'b.example' }));
    await wire.greeting();
    wire.send(STARTTLS);
    await wire.until(/<proceed[^>]*>/);
    wire.text = '';
    wire.send(header({ from: EVIL, to: 'b.example' }));
    assert.doesNotMatch(await wire.end(), /stream/);
  }));

test('TLS 1.1 is refused (RFC 9325 §3.1.1)', () =>
  target.survives(async () => {
    const wire = await target.dial();
    wire.send(header({ from: EVIL, to: 'b.example' }));
    await wire.greeting();
    await assert.rejects(wire.starttls({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1' }));
    await wire.end();
  }));

test('an unknown ALPN protocol is refused (XEP-0368 §3, RFC 7301 §3.2)', () =>
  target.survives(async () => {
    const wire = await target.dial();
    await assert.rejects(wire.secure({ alpn: ['h2', 'http/1.1'] }));
    await wire.end();
  }));

test('renegotiation is refused', () =>
  target.survives(async () => {
    const { wire } = await target.dialSecured(EVIL, { credential: evil(), maxVersion: 'TLSv1.2' });
    assert.ok(wire.socket instanceof TLSSocket);
    wire.socket.renegotiate({}, () => undefined);
    await wire.end();
  }));

test('garbage instead of a handshake costs its connection only', () =>
  target.survives(async () => {
    for (const bytes of [Buffer.of(0x16), Buffer.from([0x16, 3, 1, 0xff, 0xff]), Buffer.alloc(70_000, 0x16)]) {
      const wire = await target.dial();
      await wire.sent(bytes);
      wire.socket.end();
      await wire.end();
    }
  }));

test('<starttls/> inside direct TLS: policy-violation (XEP-0368 §3)', () =>
  target.survives(async () => {
    const wire = await target.dial();
    await wire.secure({ alpn: ['xmpp-server'], credential: evil() });
    wire.send(header({ from: EVIL, to: 'b.example' }));
    const { features } = await wire.greeting();
    assert.doesNotMatch(features, /starttls/);
    assert.equal(await wire.send(STARTTLS).streamError(), 'policy-violation');
  }));

// ——— stanzas of peers that are who they claim to be

for (const [name, stanza, expected] of [
  ['from a domain that was not proved', message('u@good.example', 'v@b.example'), 'invalid-from'],
  ['from a domain below the proved one', message(`u@x.${EVIL}`, 'v@b.example'), 'invalid-from'],
  ['from a domain above the proved one', message('u@example', 'v@b.example'), 'invalid-from'],
  ['from our own domain', message('u@b.example', 'v@b.example'), 'invalid-from'],
  [
    'to another domain of ours, for which nothing was proved (S3)',
    message(`u@${EVIL}`, 'v@b2.example'),
    'invalid-from',
  ],
  ['to a domain that is not ours (§10.4: never relayed)', message(`u@${EVIL}`, 'v@good.example'), 'host-unknown'],
  ['without to', `<message from='u@${EVIL}'/>`, 'improper-addressing'],
  ['without from', `<message to='v@b.example'/>`, 'improper-addressing'],
  ['with an empty to', message(`u@${EVIL}`, ''), 'improper-addressing'],
  ['with a from that is no address', message(`@${EVIL}`, 'v@b.example'), 'improper-addressing'],
  ['with an unknown prefix', `<message from='${EVIL}' to='b.example'><x:y/></message>`, 'not-well-formed'],
  [
    'in a prefix of its own',
    `<f:message xmlns:f='jabber:server' from='${EVIL}' to='b.example'/>`,
    'bad-namespace-prefix',
  ],
  ['of 600 kB', message(`u@${EVIL}`, 'v@b.example', 'a'.repeat(600_000)), 'policy-violation'],
  [
    'that does not end',
    `<message from='u@${EVIL}' to='v@b.example'><body>${'a'.repeat(10_000_000)}`,
    'policy-violation',
  ],
  ['200 levels deep', `<message from='u@${EVIL}' to='v@b.example'>${'<x>'.repeat(200)}`, 'policy-violation'],
  ['with an entity', message(`u@${EVIL}`, 'v@b.example', '&lol;'), 'restricted-xml'],
] as const) {
  test(`a stanza ${name}: ${expected}`, () =>
    target.survives(async () => {
      const wire = await established();
      assert.equal(await wire.send(stanza).streamError(), expected);
      nothingWasDeliveredFrom(EVIL);
      nothingWasDeliveredFrom('u@good.example');
    }));
}

test('after the refused stanza nothing of the same packet comes in (S1)', () =>
  target.survives(async () => {
    const wire = await established();
    wire.send(message('u@good.example', 'v@b.example') + message(`late@${EVIL}`, 'v@b.example'));
    assert.equal(await wire.streamError(), 'invalid-from');
    nothingWasDeliveredFrom(`late@${EVIL}`);
  }));
