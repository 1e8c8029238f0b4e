/** The far ends that our manager meets, and helpers to start a negotiation. */
import { type FarEnd, type FarEndOptions, startFarEnd } from '../support/far-end.ts';
import { silentServer } from '../support/silent-server.ts';
import { createScriptedPeer, header, type ScriptedStream, STARTTLS } from '../support/simulation-peer.ts';
import type { Credential } from '../../src/ports.ts';
import type { Produced } from './case.ts';
import { A, authority, B, certificates, type Provider, type ProviderOptions, type Stage } from './stage.ts';

/** A certificate of b.example without defects. */
export const good: Credential = certificates[B] ?? authority.issue({ dnsNames: [B] });

/** Our server of a.example sends a message to b.example. */
export async function sends(
  stage: Stage,
  options: ProviderOptions = {},
): Promise<Produced & { readonly at: Provider }> {
  const at = await stage.provider(options);
  at.send(A, B);
  return { at, local: A, remote: B };
}

/** b.example, correct in everything except what the options break. */
export async function farEnd(
  stage: Stage,
  options: Partial<FarEndOptions> = {},
  publishAs: 'starttls' | 'direct' = options.tls ?? 'starttls',
): Promise<FarEnd> {
  const end = await startFarEnd({ credential: good, ...options });
  stage.atEnd(() => end.close());
  stage.publish([B], end.port, { tls: publishAs });
  return end;
}

/** b.example, driven by a script. */
export async function scripted(
  stage: Stage,
  onText: (stream: ScriptedStream) => void,
  domains: readonly string[] = [B],
): Promise<readonly ScriptedStream[]> {
  const peer = await createScriptedPeer(stage, good, domains, (stream) => {
    onText(stream);
    stage.changed();
  });
  stage.atEnd(() => peer.streams.forEach((stream) => stream.destroy()));
  return peer.streams;
}

/** b.example, which says `steps` of what it should, and then nothing more; resolves when it has reached that point. */
export async function silentAfter(
  stage: Stage,
  steps: number,
  options: ProviderOptions = {},
  published: (stage: Stage) => Promise<void> = () => Promise.resolve(),
): Promise<Produced & { readonly at: Provider }> {
  const streams = await scripted(stage, silentServer(steps));
  await published(stage);
  const produced = await sends(stage, options);
  // Nobody answers its last element: by then it has received this many elements from us.
  const heard = [1, 1, 2, 2, 3, 3, 4, 5, 5][steps] ?? 0;
  await stage.until(
    () => streams.some((stream) => elementsIn(stream.heard) >= heard),
    () => streams.map((stream) => stream.heard).join('\n'),
  );
  return produced;
}

const elementsIn = (text: string): number => text.match(/<(stream:stream|starttls|auth|db:result)\b/g)?.length ?? 0;

const HELLO = header(`from='${B}' to='${A}'`);

/** A client that claims to be b.example, on its own stream to our server; each method leads it one stage further. */
export class Caller {
  readonly #stage: Stage;
  readonly stream: ScriptedStream;

  private constructor(stage: Stage, stream: ScriptedStream) {
    this.#stage = stage;
    this.stream = stream;
  }

  static async of(stage: Stage, at: Provider): Promise<Caller> {
    const peer = await createScriptedPeer(stage, good, [], stage.changed);
    const stream = peer.connect('127.0.0.1', at.port);
    stage.atEnd(() => stream.destroy());
    return new Caller(stage, stream);
  }

  async says(text: string, until: string): Promise<void> {
    this.stream.write(text);
    await this.#hears(until);
  }

  async header(): Promise<void> {
    await this.says(HELLO, '</stream:features>');
  }

  /** Up to the features under TLS; with its certificate, or none. */
  async secured(credential: Credential | null = good): Promise<void> {
    await this.securing(credential);
    await this.#hears('</stream:features>');
  }

  /** Up to its header under TLS, which need not be answered. */
  async securing(credential: Credential | null = good): Promise<void> {
    await this.header();
    await this.says(STARTTLS, '<proceed');
    this.stream.secureAsClient(A, credential);
    this.stream.write(HELLO);
  }

  /** Authenticated by SASL EXTERNAL. */
  async authenticated(): Promise<void> {
    await this.secured();
    await this.says(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>`, '<success');
    await this.header();
  }

  async #hears(what: string): Promise<void> {
    await this.#stage.until(
      () => this.stream.text.includes(what),
      () => `${what} in ${this.stream.heard}`,
    );
    this.stream.text = '';
  }
}
