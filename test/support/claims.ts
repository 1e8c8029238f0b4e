/** A stranger that asserts domains which are not its own. */
import { credentialOf } from '../../src/demo/certificates.ts';
import type { Simulation } from './simulation.ts';
import { header, ScriptedStream, STARTTLS } from './simulation-peer.ts';

const HOSTING = credentialOf({ hosts: ['hosting.example'] });

/** Connects from its own address, and asserts these domains under TLS; its certificate names none of them. */
export async function claim(
  simulation: Simulation,
  at: { address: string; port: number },
  domains: readonly string[],
  to = 'b.example',
): Promise<ScriptedStream> {
  const { clock } = simulation;
  const { network } = simulation.host({ forServerName: () => null });
  const stream = new ScriptedStream();
  stream.bind(network.connect({ addresses: [{ family: 4, address: at.address }], port: at.port }, stream));
  await clock.runUntil(() => stream.isConnected, 1_000);
  stream.write(header(`from='hosting.example' to='${to}'`) + STARTTLS);
  await clock.runUntil(() => stream.text.includes('<proceed'), 1_000);
  stream.secureAsClient(to, HOSTING);
  await clock.runUntil(() => stream.isSecured, 1_000);
  stream.write(header(`from='hosting.example' to='${to}'`));
  await clock.runUntil(() => stream.take('</stream:features>') !== null, 1_000);
  for (const domain of domains) stream.write(`<db:result from='${domain}' to='${to}'>key</db:result>`);
  return stream;
}
