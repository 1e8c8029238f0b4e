/** One provider of a scenario: a connection manager on a stage, with its certificate and its domains. */
import { ConnectionManager } from '../manager.ts';
import type { Listening } from '../ports.ts';
import { domainOfJid } from '../protocol/names.ts';
import { credentialOf } from './certificates.ts';
import { openClientPort } from './client-port.ts';
import { countedNetwork, type SocketCount } from './counted-network.ts';
import { delegationsOf } from './delegations.ts';
import type { Seen } from './facts.ts';
import { publish } from './published.ts';
import type { Message, ProviderSetup, Side } from './scenario.ts';
import type { Stage } from './stage.ts';

/** What a provider reports to the code that started it. */
export interface Observer {
  readonly side: Side;
  readonly sockets: SocketCount;
  readonly changed: () => void;
  readonly seen: (seen: Seen) => void;
  /** Called for messages, but not for the errors that answer them. */
  readonly arrived: (message: Message, id: string) => void;
}

/** Starts one provider on a stage: certificate, listener, and the DNS records of its domains. */
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
      limits: setup.limits ?? {},
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
    if (type === 'error') return; // one of our own messages that was returned
    observer.arrived({ from: domainOfJid(from) ?? from, to: domainOfJid(to) ?? to }, id);
    changed();
  });
  await manager.start();
  publish(setup, { service: 'xmpp-server', port: manager.listening[0]?.port ?? 0, address: host.address, side }, stage);
  return manager;
}

/** Opens a provider's port for clients, and publishes it. */
export async function startClientPort(setup: ProviderSetup, stage: Stage, side: Side): Promise<Listening> {
  const credential = credentialOf(setup);
  const host = stage.host({ forServerName: () => credential });
  const listening = await openClientPort(host, stage.random);
  publish(setup, { service: 'xmpp-client', port: listening.port, address: host.address, side }, stage);
  return listening;
}
