/** Whose progress an actor waits for: the next link of the chain from a stuck stanza to the party that has to act. */
import type { StreamId } from '../../protocol/transport.ts';

interface Waiter {
  readonly machine: string;
  readonly waits: boolean;
  readonly context: Readonly<Record<string, unknown>>;
  readonly children: readonly string[];
}

/** Like {@link waitsOn}, without knowing which are live: it waits for the first that is. */
export const mayWaitOn = ({ machine, waits, context, children }: Waiter): readonly string[] =>
  waits ? [...children, ...beyond(machine, context)] : children;

/** Its children and, if it waits for another root actor, that one. */
export function waitsOn({ machine, waits, context, children }: Waiter, lives: (id: string) => boolean): string[] {
  const further = waits ? beyond(machine, context) : [];
  // An actor that works for it on the stream says more than the stream itself, which comes last.
  const nearest = further.find(lives);
  return nearest === undefined ? [...children] : [...children, nearest];
}

/** The most specific first. */
function beyond(machine: string, context: Readonly<Record<string, unknown>>): string[] {
  const { stream, awaited, local, remote, domain, verifyStream, senderDomain } = context;
  switch (machine) {
    case 'pair':
      return typeof stream === 'number'
        ? [
            `stream:${stream}/assertion.${String(local)}>${String(remote)}`,
            `stream:${stream}/association.${String(remote)}`,
            `stream:${stream}`,
          ]
        : [`peer:${String(remote)}`];
    case 'peer':
      return [awaited, stream].flatMap((one) => (typeof one === 'number' ? [`stream:${one}`] : []));
    case 'association':
      // The stream runs the challenge, as long as it is asked to.
      return typeof stream === 'number' ? [`stream:${stream}/challenge.${String(domain)}`] : [];
    case 'dialbackProoftype':
      // The domain may be looked up before its peer actor is woken.
      return isVerifyStream(verifyStream)
        ? [`stream:${verifyStream.stream}`]
        : [`resolution:${String(senderDomain)}`, `peer:${String(senderDomain)}`];
    default:
      return [];
  }
}

function isVerifyStream(value: unknown): value is { readonly stream: StreamId } {
  return typeof value === 'object' && value !== null && 'stream' in value && typeof value.stream === 'number';
}
