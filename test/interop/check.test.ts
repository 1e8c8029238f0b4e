/** `check` against Debian's Prosody and ejabberd: correct and broken set-ups, by the answers of real servers. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { systemClock } from '../../src/adapters/clock.ts';
import type { CheckQuestion } from '../../src/check/question.ts';
import { ejabberdMissing } from '../support/ejabberd.ts';
import { prosodyMissing } from '../support/prosody.ts';
import { assertDiagnosed, checkedAt, type Checked } from '../support/check-stage.ts';
import { authority, during, type Kind, Stage, stranger, type TheirOptions, type Theirs } from './stage.ts';

const LOCAL = 'ours.example';
const BOTH = ['serverAuth', 'clientAuth'] as const;
const missing: Record<Kind, string | null> = { Prosody: prosodyMissing(), ejabberd: ejabberdMissing() };

const ours = authority.issue({ dnsNames: [LOCAL], eku: [...BOTH] });
const oursForServersOnly = authority.issue({ dnsNames: [LOCAL], eku: ['serverAuth'] });
const oursOfStranger = stranger.issue({ dnsNames: [LOCAL], eku: [...BOTH] });

for (const kind of ['Prosody', 'ejabberd'] as const) {
  const skip = missing[kind] === null ? false : `${kind}: ${missing[kind]}`;

  describe(`check against ${kind}`, { timeout: 600_000 }, () => {
    let stage: Stage;
    let good: Theirs;

    before(async () => {
      stage = await Stage.open();
      if (skip === false) good = await stage.theirs(kind);
    });
    after(async () => {
      if (skip === false) await good.close();
      await stage.close();
    });

    /** One check, with the deadlines of the daemon. */
    const check = (domain: string, authentication: CheckQuestion['authentication'] = null): Promise<Checked> =>
      checkedAt(
        { trust: { system: false, anchors: [authority.certPem] }, dns: { servers: [stage.dns.address] } },
        { domain, local: LOCAL, authentication },
        (ports) => ({ ...ports, clock: systemClock }),
      );
    const broken = async (options: TheirOptions, body: (theirs: Theirs) => Promise<void>): Promise<void> => {
      const theirs = await stage.theirs(kind, options);
      await during([theirs], () => body(theirs));
    };

    test('it is proved by its certificate, and takes us by ours (RFC 7712 §4.2, XEP-0178)', { skip }, async () => {
      const { verdict, steps } = await check(good.domain, { credential: ours, dialbackSecret: null });
      assert.deepEqual(
        [verdict.verdict, verdict.prooftype, verdict.federation],
        ['proved', 'pkix', 'authenticated'],
        verdict.explanation,
      );
      assert.match(verdict.explanation, /it lets ours\.example send/);
      assert.deepEqual(
        steps
          .filter(({ state }) => state === 'authentication')
          .map(({ outcome, evidence }) => [outcome, evidence['method']]),
        [['accepted', 'SASL EXTERNAL']],
      );
    });

    test('a component of it is proved like its host', { skip }, async () => {
      const { verdict } = await check(good.component.domain);
      assert.deepEqual([verdict.verdict, verdict.prooftype], ['proved', 'pkix'], verdict.explanation);
    });

    test('a certificate that nobody trusts (RFC 6125, RFC 5280 §6)', { skip }, async () => {
      await broken({ issuer: stranger }, async ({ domain }) => {
        assertDiagnosed(await check(domain), {
          cause: 'intermediate-missing',
          fault: 'pkix unknown-issuer peer',
          because: /its issuer "CN=Nobody knows this CA" is not among the authorities trusted here/,
          fix: /intermediate|authority/,
          verdict: 'refuted',
        });
      });
    });

    test(
      'a domain that the SRV record sends there, and that it does not serve (RFC 6120 §4.9.3.6)',
      { skip },
      async () => {
        stage.publish('elsewhere.example', good.server, false);
        assertDiagnosed(await check('elsewhere.example'), {
          cause: 'domain-not-served',
          fault: 'stream host-unknown peer',
          fix: /elsewhere\.example/,
        });
      },
    );

    test('a key of dialback, and no server of ours in the DNS to ask about it (XEP-0220 §2.4)', { skip }, async () => {
      const authentication = { credential: oursOfStranger, dialbackSecret: 'sixteen or more characters' };
      if (kind === 'ejabberd') {
        assertDiagnosed(await check(good.domain, authentication), {
          cause: 'we-cannot-be-found',
          fault: 'dialback remote-server-not-found peer',
          fix: /Publish where ours\.example is served/,
        });
        return;
      }
      // Prosody does not answer the key, and gives up the stream after its timeout.
      await broken({ s2sTimeoutSeconds: 3 }, async ({ domain }) => {
        assertDiagnosed(await check(domain, authentication), {
          cause: 'far-end-lost-patience',
          fault: 'stream connection-timeout peer',
          because: /ended the stream, because ours\.example was not proved to it in time/,
          fix: /Look at the log of that server for ours\.example/,
        });
      });
    });

    if (kind === 'Prosody') {
      test('it wants a certificate, and ours proves nothing to it (s2s_secure_auth)', { skip }, async () => {
        await broken({ secureAuth: true }, async ({ domain }) => {
          assertDiagnosed(await check(domain, { credential: oursOfStranger, dialbackSecret: null }), {
            cause: 'our-certificate-not-accepted',
            fault: 'stream not-authorized peer',
            because: /Your server's certificate is not trusted/,
            fix: /a certificate with the dNSName ours\.example, currently valid, from an authority that it trusts/,
          });
        });
      });
    } else {
      test('it offers EXTERNAL, and refuses ours: its authority, and its purpose (XEP-0178 §3)', { skip }, async () => {
        const refused = {
          cause: 'we-are-not-believed',
          fault: 'sasl not-authorized peer',
          verdict: 'refuted',
        } as const;
        assertDiagnosed(await check(good.domain, { credential: oursOfStranger, dialbackSecret: null }), {
          ...refused,
          because: /unable to verify the first certificate/,
          fix: /has to name ours\.example, and its chain has to be complete/,
        });
        assertDiagnosed(await check(good.domain, { credential: oursForServersOnly, dialbackSecret: null }), {
          ...refused,
          because: /unsupported certificate purpose/,
          fix: /clientAuth/,
        });
      });
    }
  });
}
