/** POSH with web servers on loopback. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { readCertificate } from '../../src/adapters/pkix/certificates.ts';
import { createPoshSource, type PoshSourceOptions } from '../../src/adapters/posh/source.ts';
import type { LookUpOptions } from '../../src/ports.ts';
import type { CertificateEvidence } from '../../src/protocol/certificate.ts';
import { FaultError } from '../../src/protocol/faults.ts';
import { POSH_CONDITIONS, type PoshCondition } from '../../src/protocol/posh-conditions.ts';
import { writePoshDocument } from '../../src/protocol/posh.ts';
import type { Service } from '../../src/protocol/service.ts';
import { SimulatedClock } from '../../src/simulation/simulated-clock.ts';
import { never } from './https-client.ts';
import { says, startWeb, strangeAuthority, webAuthority, type Handler } from './https-server.ts';

const certificateOf = (name: string): CertificateEvidence =>
  readCertificate(strangeAuthority.issue({ dnsNames: [name] }).der[0]!);

/** Certificates of XMPP servers, whose authority nobody trusts. */
export const ours = certificateOf('im.a.example');
export const theirs = certificateOf('im.b.example');

/** A document that lists these certificates, by default `ours`. */
export const lists = (expires = 3_600, ...certificates: CertificateEvidence[]): Handler =>
  says(writePoshDocument(certificates.length === 0 ? [ours] : certificates, expires));

/** Web servers, and a source that trusts their authority; time passes only when told to. */
export async function poshStage(t: TestContext, options: PoshSourceOptions = {}) {
  const web = await startWeb();
  const clock = new SimulatedClock();
  const source = createPoshSource({
    system: false,
    anchors: [webAuthority.certPem],
    allowPrivate: true,
    port: web.port,
    resolver: web.resolver,
    clock,
    ...options,
  });
  t.after(async () => {
    source.close();
    await web.close();
  });
  const fetch = (domain = 'a.example', lookUp: LookUpOptions = {}, service: Service = 'xmpp-server', signal = never) =>
    source.fetch(domain, service, signal, lookUp);
  /** `found`, or the condition of the fault. */
  const outcome = (domain?: string, lookUp?: LookUpOptions): Promise<string> =>
    fetch(domain, lookUp).then(
      () => 'found',
      (error: unknown) => {
        assert.ok(error instanceof FaultError, String(error));
        const { layer, condition, origin } = error.fault;
        assert.deepEqual([layer, origin], ['posh', POSH_CONDITIONS[condition as PoshCondition]]);
        return condition;
      },
    );
  const secondsLeft = async (domain?: string): Promise<number> =>
    ((await fetch(domain)).expiresAtMs - clock.now()) / 1_000;
  return { web, clock, source, fetch, outcome, secondsLeft };
}
