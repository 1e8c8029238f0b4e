/** A peer on the simulated fabric that sends what a test tells it to, byte by byte; it contains none of our code. */
import type { Connection, ConnectionEvents, Credential, Network } from '../../src/ports.ts';
import type { Fault } from '../../src/protocol/faults.ts';
import type { Simulation } from './simulation.ts';

const DIALBACK = 'jabber:server:dialback';

export const STARTTLS = `<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`;
export const PROCEED = `<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>`;
export const DIALBACK_FEATURE = `<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>`;
export const EXTERNAL_FEATURE = `<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism></mechanisms>`;

export const features = (...content: readonly string[]): string =>
  `<stream:features>${content.join('')}</stream:features>`;

export const header = (attributes: string): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:db='${DIALBACK}' ` +
  `xmlns:stream='http://etherx.jabber.org/streams' version='1.0' ${attributes}>`;

/** One connection of a scripted peer. */
export class ScriptedStream implements ConnectionEvents {
  /** Everything that arrived and was not taken yet. */
  text = '';
  /** Everything that ever arrived. */
  heard = '';
  over = false;
  isSecured = false;
  isConnected = false;
  #connection: Connection | null = null;
  #onText: (stream: ScriptedStream) => void;

  constructor(onText: (stream: ScriptedStream) => void = () => undefined) {
    this.#onText = onText;
  }

  bind(connection: Connection): this {
    this.#connection = connection;
    return this;
  }

  write(xml: string): void {
    this.#connection?.write(xml);
  }

  /** Takes the text up to and including `end`, if it has arrived. */
  take(end: string): string | null {
    const at = this.text.indexOf(end);
    if (at < 0) return null;
    const taken = this.text.slice(0, at + end.length);
    this.text = this.text.slice(at + end.length);
    return taken;
  }

  secureAsServer(streamTo: string): void {
    this.#connection?.startTlsServer({ streamTo });
  }

  secureAsClient(serverName: string, credential: Credential | null): void {
    this.#connection?.startTlsClient({ serverName, credential, minVersion: 'TLSv1.2', alpn: null });
  }

  destroy(): void {
    this.#connection?.destroy();
  }

  connected(): void {
    this.isConnected = true;
  }

  data(bytes: Buffer): void {
    this.text += bytes.toString();
    this.heard += bytes.toString();
    this.#onText(this);
  }

  secured(): void {
    this.text = '';
    this.isSecured = true;
  }

  drained(): void {
    // nothing waits for room
  }

  closed(_fault: Fault | null): void {
    this.over = true;
  }
}

export interface ScriptedPeer {
  readonly address: string;
  readonly network: Network;
  readonly streams: ScriptedStream[];
  /** Connects to a provider's listener. */
  connect(address: string, port: number): ScriptedStream;
}

/** A host with a listener; the simulation's DNS data delegates `domains` to it, and `onText` answers what arrives. */
export async function createScriptedPeer(
  simulation: Pick<Simulation, 'host' | 'resolver'>,
  credential: Credential,
  domains: readonly string[],
  onText: (stream: ScriptedStream) => void = () => undefined,
): Promise<ScriptedPeer> {
  const { network, address } = simulation.host({ forServerName: () => credential });
  const streams: ScriptedStream[] = [];
  const { port } = await network.listen({ address, port: 0, tls: 'starttls' }, ({ connection }) => {
    const stream = new ScriptedStream(onText).bind(connection);
    streams.push(stream);
    return stream;
  });
  const target = `scripted-${address.replaceAll('.', '-')}.example`;
  simulation.resolver.set(target, { addresses: [{ family: 4, address }] });
  for (const domain of domains) {
    simulation.resolver.set(`_xmpp-server._tcp.${domain}`, { srv: [{ priority: 1, weight: 1, port, target }] });
  }
  return {
    address,
    network,
    streams,
    connect: (to, at) => {
      const stream = new ScriptedStream(onText);
      streams.push(stream);
      return stream.bind(network.connect({ addresses: [{ family: 4, address: to }], port: at }, stream));
    },
  };
}
