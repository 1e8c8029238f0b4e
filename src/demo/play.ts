/** Plays one scenario on a stage: two connection managers, the messages, and what was seen of them. */
import { Subject } from 'rxjs';
import { X509Certificate } from 'node:crypto';
import xml from '@xmpp/xml';
import type { DelegationOrder } from '../adapters/dna/order.ts';
import { issueAttributeCertificate } from '../adapters/dna/issue-attribute-certificate.ts';
import { issueXmlAssertion } from '../adapters/dna/issue-xml-assertion.ts';
import { readCertificate } from '../adapters/pkix/certificates.ts';
import { ConnectionManager } from '../manager.ts';
import { certificateParts } from '../protocol/certificate-parts.ts';
import { NS } from '../protocol/namespaces.ts';
import { Stanza } from '../protocol/stanza.ts';
import { domainOfJid } from '../protocol/names.ts';
import { poshUrl, writePoshDocument } from '../protocol/posh.ts';
import { MATCHING, SELECTOR, tlsaFor, tlsaOwner, USAGE } from '../protocol/tlsa.ts';
import type { Delivery } from '../routing/types.ts';
import { credentialOf } from './certificates.ts';
import { countedNetwork, SocketCount } from './counted-network.ts';
import type { Facts, Seen } from './facts.ts';
import type { ManagerOptions } from '../options.ts';
import type { Check, Delegated, Message, ProviderSetup, Scenario, Side } from './scenario.ts';
import type { Stage } from './stage.ts';

export interface CheckedClaim extends Check {
  readonly saw: string;
  readonly holds: boolean;
}

export interface Played {
  readonly scenario: Scenario;
  readonly facts: Facts;
  readonly claims: readonly CheckedClaim[];
  readonly holds: boolean;
}

export interface Play {
  readonly played: Played;
  /** The two providers, still running. */
  readonly providers: Readonly<Record<Side, ConnectionManager>>;
  /** Closes all streams and waits for their closing tags. */
  stop(): Promise<void>;
}

/** Plays until every claim holds, or the stage has no more patience. The providers still run afterwards. */
export async function play(scenario: Scenario, stage: Stage): Promise<Play> {
  const changes$ = new Subject<void>();
  const changed = (): void => changes$.next();
  const timeline: Seen[] = [];
  const arrived: (Message & { at: Side })[] = [];
  const sent: (Message & { delivery: Delivery | null })[] = [];
  const sockets = new SocketCount();
  const facts: Facts = { timeline, sent, arrived, sockets };

  const makeProvider = (side: Side): Promise<ConnectionManager> =>
    startProvider(scenario[side], stage, {
      side,
      sockets,
      changed,
      seen: (seen) => timeline.push(seen),
      arrived: (message) => arrived.push({ ...message, at: side }),
    });
  const providers = { A: await makeProvider('A'), B: await makeProvider('B') };

  for (const act of scenario.acts) {
    for (const { from, to } of act) {
      const row: (typeof sent)[number] = { from, to, delivery: null };
      sent.push(row);
      const side = scenario.A.hosts.includes(from) ? 'A' : 'B';
      void providers[side].send(greeting(from, to, sent.length)).then((delivery) => {
        row.delivery = delivery;
        changed();
      });
    }
    await stage.until(() => sent.every(({ delivery }) => delivery !== null), changes$);
  }
  // The last claims come true last: asked first, they spare the others.
  const checks = scenario.checks.toReversed();
  await stage.until(() => checks.every(({ expected, seen }) => seen(facts) === expected), changes$);
  const settled = scenario.checks.map((check): CheckedClaim => {
    const saw = check.seen(facts);
    return { ...check, saw, holds: saw === check.expected };
  });
  return {
    played: {
      scenario,
      facts: {
        timeline: [...timeline],
        sent: [...sent],
        arrived: [...arrived],
        sockets: { opened: sockets.opened, standing: sockets.standing },
      },
      claims: settled,
      holds: settled.every(({ holds }) => holds),
    },
    providers,
    stop: () => stopAll(Object.values(providers), stage),
  };
}

/** A user of one domain greets a user of another; the id tells messages apart. */
export function greeting(from: string, to: string, n: number): Stanza {
  const attributes = { from: `juliet@${from}`, to: `romeo@${to}`, id: `m${n}`, type: 'chat' };
  return Stanza.fromElement(xml('message', attributes, xml('body', {}, 'Art thou not Romeo?')), NS.server);
}

/** What a provider tells whoever started it. */
export interface Observer {
  readonly side: Side;
  readonly sockets: SocketCount;
  readonly changed: () => void;
  readonly seen: (seen: Seen) => void;
  /** A message, not the error that answers one. */
  readonly arrived: (message: Message, id: string) => void;
}

/** Starts one provider on a stage: certificate, listener, and its domains in the DNS data. */
export async function startProvider(
  setup: ProviderSetup,
  stage: Stage,
  observer: Observer,
): Promise<ConnectionManager> {
  const { side, changed } = observer;
  const credential = credentialOf(setup);
  const shown = setup.certificate?.shownAsClient === false ? null : credential;
  const host = stage.host({ forServerName: () => credential });
  const manager = new ConnectionManager(
    {
      hosts: Object.fromEntries(setup.hosts.map((domain) => [domain, shown])),
      listen: [{ address: host.address, port: 0, tls: 'detect' }],
      policy: setup.policy ?? {},
      bidi: setup.bidi ?? false,
      proofs: { ...setup.proofs, ...delegationsOf(setup, stage) },
      prooftypes: setup.prooftypes ?? {},
    },
    {
      network: countedNetwork(host.network, observer.sockets, changed),
      resolver: stage.resolver,
      clock: stage.clock,
      random: stage.random,
      pathValidator: stage.pathValidator,
      posh: stage.posh,
      ...(stage.dnaProofs === undefined ? {} : { dnaProofs: stage.dnaProofs }),
    },
  );
  manager.records$.subscribe((record) => {
    observer.seen({ at: side, record });
    changed();
  });
  manager.stanzas$.subscribe(({ from = '', to = '', id = '', type }) => {
    if (type === 'error') return; // one of our own that came back
    observer.arrived({ from: domainOfJid(from) ?? from, to: domainOfJid(to) ?? to }, id);
    changed();
  });
  await manager.start();
  publish(setup, manager, host.address, side, stage);
  return manager;
}

/** What the owners of its domains have given to the provider: signed by them, about the certificate that it shows. */
function delegationsOf(setup: ProviderSetup, { clock }: Stage): NonNullable<ManagerOptions['proofs']> {
  const given = Object.entries(setup.delegatedBy ?? {}).map(([domain, kind]) => {
    const order: DelegationOrder = {
      domain,
      service: 'xmpp-server',
      signer: credentialOf({ hosts: [domain] }),
      provider: { certificate: credentialOf(setup).cert },
      notBeforeMs: clock.now() - HOUR_MS,
    };
    return [domain, { [kind]: issuedOnce(kind, order) }] as const;
  });
  return Object.fromEntries(given);
}

/** Signatures are made of chance: one per order and process, so that runs can be compared. */
function issuedOnce(kind: Delegated, order: DelegationOrder): string {
  const key = JSON.stringify([kind, order]);
  const known = delegations.get(key);
  if (known !== undefined) return known;
  const made = issuers[kind](order);
  delegations.set(key, made);
  return made;
}

const delegations = new Map<string, string>();
const HOUR_MS = 3_600_000;
const issuers: Readonly<Record<Delegated, (order: DelegationOrder) => string>> = {
  'attribute-cert': issueAttributeCertificate,
  'xml-assertion': issueXmlAssertion,
};

/** Where all domains of a provider are served. */
export const targetOf = (side: Side): string => `xmpp.provider-${side.toLowerCase()}.example`;

/** Every domain of a provider is delegated to the same target host: how providers are found, and streams shared. */
function publish(
  setup: ProviderSetup,
  { listening }: ConnectionManager,
  address: string,
  side: Side,
  { resolver, posh }: Stage,
): void {
  const { hosts, publishes = {}, tlsa } = setup;
  const target = targetOf(side);
  const port = listening[0]?.port ?? 0;
  for (const domain of hosts) {
    const { signed = false, posh: listed } = publishes[domain] ?? {};
    const srv = [{ priority: 1, weight: 1, port, target }];
    resolver.set(`_xmpp-server._tcp.${domain}`, { srv, status: signed ? 'secure' : 'insecure' });
    const named = listed === undefined ? null : writePoshDocument([readCertificate(derOf(setup, listed))], DAY_SECONDS);
    posh.set(poshUrl(domain, 'xmpp-server'), named);
  }
  const isSigned = Object.values(publishes).some(({ signed }) => signed === true);
  resolver.set(target, { addresses: [{ family: 4, address }], status: isSigned ? 'secure' : 'insecure' });
  const parts = tlsa === undefined ? null : certificateParts(derOf(setup, tlsa));
  const record = parts && { status: 'secure' as const, tlsa: [tlsaFor(parts, DANE_EE_KEY)] };
  resolver.set(tlsaOwner(target, port), record);
}

const DAY_SECONDS = 86_400;
/** `3 1 1`: this very key, by its SHA-256 (RFC 7671 §5.1). */
const DANE_EE_KEY = { usage: USAGE.daneEe, selector: SELECTOR.spki, matching: MATCHING.sha256 };

/** The provider's certificate, or one that it has not. */
function derOf(setup: ProviderSetup, whose: 'its own' | "somebody else's"): Buffer {
  const { cert } = whose === 'its own' ? credentialOf(setup) : credentialOf({ hosts: ['somebody-else.example'] });
  return new X509Certificate(cert).raw;
}

async function stopAll(managers: ConnectionManager[], stage: Stage): Promise<void> {
  let stopped = false;
  const done$ = new Subject<void>();
  const stopping = Promise.all(managers.map((manager) => manager.stop())).then(() => {
    stopped = true;
    done$.next();
  });
  await stage.until(() => stopped, done$);
  await stopping;
}
