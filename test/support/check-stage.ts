/**
 * A stage for tests of `check`: a DNS server, servers and an authority of its own, all on loopback, and the real
 * adapters.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import type { CheckQuestion } from '../../src/check/question.ts';
import { runCheck } from '../../src/check/run.ts';
import type { CheckStep } from '../../src/check/steps.ts';
import type { CheckVerdict } from '../../src/check/verdict.ts';
import { createNodePorts, type NodePortsOptions } from '../../src/node-ports.ts';
import type { Clock, Ports } from '../../src/ports.ts';
import { systemClock } from '../../src/adapters/clock.ts';
import { createCertificateAuthority } from '../../src/simulation/certificate-authority.ts';
import { type DnsServer, startDnsServer } from './dns-server.ts';
import { type FarEnd, type FarEndOptions, startFarEnd } from './far-end.ts';

export const DOMAIN = 'b.example';
export const LOCAL = 'a.example';

/** The authority that the checks trust. */
export const authority = createCertificateAuthority({ name: 'Trusted Root' });
export const good = authority.issue({ dnsNames: [DOMAIN] });

export interface Checked {
  readonly verdict: CheckVerdict;
  readonly steps: readonly CheckStep[];
}

export type CheckPorts = Partial<Omit<NodePortsOptions, 'hosts'>>;

export interface CheckStage {
  readonly dns: DnsServer;
  /** Starts a server, publishes it as that of {@link DOMAIN}, and stops it with the stage. */
  readonly serve: (options?: Partial<FarEndOptions>, publish?: boolean) => Promise<FarEnd>;
  readonly check: (question?: Partial<CheckQuestion>, ports?: CheckPorts) => Promise<Checked>;
}

/** Divides the deadlines of the charts. */
const HURRY = 20;
const hurriedClock: Clock = {
  ...systemClock,
  setTimeout: (fn, delayMs) => systemClock.setTimeout(fn, delayMs / HURRY),
};

/** A test with its own stage. */
export function checking(name: string, run: (stage: CheckStage) => Promise<void>, skip: string | false = false): void {
  test(name, { skip }, async () => {
    const dns = await startDnsServer();
    const ends: FarEnd[] = [];
    try {
      await run({
        dns,
        serve: async (options = {}, publish = true) => {
          const end = await startFarEnd({ credential: good, ...options });
          ends.push(end);
          if (publish) {
            const port = options.tls === 'direct' ? { directTlsPort: end.port } : { port: end.port };
            dns.serve(DOMAIN, { ...port, target: 'xmpp.b.example' });
          }
          return end;
        },
        check: (question = {}, ports = {}) => checkedAt({ dns: { servers: [dns.address] }, ...ports }, question),
      });
    } finally {
      await Promise.all(ends.map((end) => end.close()));
      await dns.close();
    }
  });
}

/** One check with real adapters, which are closed afterwards. */
export async function checkedAt(
  ports: CheckPorts,
  question: Partial<CheckQuestion> = {},
  adapt: (ports: Ports) => Ports = (same) => same,
): Promise<Checked> {
  const trust = { system: false, anchors: [authority.certPem] };
  const made = createNodePorts({ hosts: {}, trust, posh: { enabled: false }, ...ports });
  const steps: CheckStep[] = [];
  try {
    const verdict = await runCheck(
      { domain: DOMAIN, service: 'xmpp-server', local: LOCAL, policy: {}, authentication: null, ...question },
      adapt({ ...made, clock: hurriedClock }),
      (step) => steps.push(step),
    );
    return { verdict, steps };
  } finally {
    made.close();
  }
}

export interface Expected {
  readonly cause: string;
  /** `layer condition origin` */
  readonly fault: string;
  /** Words of the explanation. */
  readonly because?: RegExp;
  readonly fix: RegExp;
  readonly verdict?: CheckVerdict['verdict'];
}

/** The right cause, the right fault, the right fix, and no stanza would be sent. */
export function assertDiagnosed({ verdict: told }: Checked, expected: Expected): void {
  const { fault } = told;
  assert.equal(`${fault?.layer} ${fault?.condition} ${fault?.origin}`, expected.fault, told.explanation);
  assert.equal(told.cause, expected.cause, told.explanation);
  if (expected.because !== undefined) assert.match(told.explanation, expected.because);
  assert.match(told.fix ?? '', expected.fix);
  assert.equal(told.verdict, expected.verdict ?? 'undetermined');
  assert.equal(told.federation, 'none');
}
