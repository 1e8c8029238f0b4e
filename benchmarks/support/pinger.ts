/**
 * Worker: a peer and a component in one process, and so with one clock: how long a stanza takes from one to the other.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createSecureContext } from 'node:tls';
import { attachComponent } from './component-client.ts';
import { openS2s } from './s2s-client.ts';
import { serveCommands } from './workers.ts';

export type PingerCommand =
  | {
      readonly do: 'open';
      readonly ports: { readonly s2s: number; readonly component: number };
      readonly from: string;
      readonly to: string;
      readonly secret: string;
      readonly cert: string;
      readonly key: string;
    }
  /** One ping every `everyMs`, for `milliseconds`: answers how many milliseconds each took. */
  | { readonly do: 'ping'; readonly everyMs: number; readonly milliseconds: number };

export interface PingerAnswer {
  readonly tookMs: readonly number[];
}

let send = (_: string): void => undefined;
let to = '';
const sentMs = new Map<string, number>();
let tookMs: number[] = [];
let arrived = (): void => undefined;
const PATIENCE_MS = 10_000;

serveCommands<PingerCommand, PingerAnswer>(async (command) => {
  if (command.do === 'open') {
    const { ports, cert, key } = command;
    const component = await attachComponent(ports.component, command.to, command.secret);
    let text = '';
    component.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const pings = [...text.matchAll(/ id='(p\d+)'/g)];
      for (const [, id = ''] of pings) {
        tookMs.push(performance.now() - (sentMs.get(id) ?? NaN));
        sentMs.delete(id);
      }
      text = text.slice(text.lastIndexOf('>') + 1);
      arrived();
    });
    const context = createSecureContext({ cert, key, minVersion: 'TLSv1.3' });
    const { socket } = await openS2s({ port: ports.s2s, from: command.from, to: command.to, context });
    send = (xml) => void socket.write(xml);
    to = `<iq type='get' from='${command.from}' to='${command.to}'`;
    return { tookMs: [] };
  }
  tookMs = [];
  const untilMs = performance.now() + command.milliseconds;
  for (let n = 0; performance.now() < untilMs; n += 1) {
    sentMs.set(`p${n}`, performance.now());
    send(`${to} id='p${n}'><ping xmlns='urn:xmpp:ping'/></iq>`);
    await sleep(command.everyMs);
  }
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`${sentMs.size} pings have not arrived`)), PATIENCE_MS);
    arrived = () => {
      if (sentMs.size > 0) return;
      clearTimeout(late);
      resolve();
    };
    arrived();
  });
  return { tookMs };
});
