/** The facts about a negotiation that the table of causes uses. */
import type { Fault } from '../../protocol/faults.ts';
import { policyFor, type ResolvedPolicy } from '../../protocol/policy.ts';
import type { Situation } from './causes/diagnose.ts';
import { attemptsIn, certificateIn, endpointIn, fieldsIn, isFields, startTlsIn, textIn } from '../context.ts';
import { stoodIn } from './chain.ts';
import type { ActorView, View } from '../view/view.ts';

export interface Involved {
  readonly local: string;
  readonly remote: string;
  readonly direction: 'outgoing' | 'incoming';
  /** The stream that is being negotiated, or was last. */
  readonly stream: ActorView | null;
  /** The actor of the remote domain. */
  readonly peer: ActorView | null;
}

/** As {@link Involved}, but only the context of the actors is required. */
interface Concerned extends Pick<Involved, 'local' | 'remote' | 'direction'> {
  readonly stream: (Pick<ActorView, 'context'> & Partial<ActorView>) | null;
  readonly peer: Pick<ActorView, 'context'> | null;
}

/** A caller without records provides the settings in the context of the stream. */
type Told = Pick<View, 'atMs'> & Partial<Pick<View, 'recordsOf'>>;

export function situationOf(view: Told, involved: Concerned, fault: Fault, attempts: unknown): Situation {
  const { local, remote, direction, stream, peer } = involved;
  const { tls, settings, endpoint, associated, negotiation, service, connectedTo } = stream?.context ?? {};
  const isEncrypted = isFields(tls);
  const { policy, material } = fieldsIn(settings ?? settingsAtBirth(view, stream));
  const { features, wireId, phase } = fieldsIn(negotiation);
  const ownPolicy = policyIn(policy, remote);
  const { secureDns } = fieldsIn(material);
  return {
    fault,
    domain: remote,
    service: service === 'xmpp-client' ? 'xmpp-client' : 'xmpp-server',
    local,
    direction,
    ...(ownPolicy === null ? {} : { policy: ownPolicy }),
    ...(typeof secureDns === 'boolean' ? { validates: secureDns } : {}),
    nowMs: view.atMs,
    // For an incoming connection there is no endpoint of ours, even if we dial the same domain elsewhere.
    endpoint: endpointIn(endpoint) ?? (direction === 'incoming' ? null : endpointIn(peer?.context['endpoint'])),
    isEncrypted,
    ...(stream !== null && hasPath(stream) ? { stoodIn: stoodIn(stream) } : {}),
    isAuthenticated: phase === 'authenticated',
    // The features under TLS are different ones; without features, nothing is known.
    startTls: isEncrypted ? null : startTlsIn(features),
    // Connected, but no header came: if the far end closes now, it has said nothing.
    ...(typeof connectedTo === 'string' && wireId === null && !isEncrypted ? { firstBytes: null } : {}),
    chainLength: chainLengthIn(view, stream),
    certificate: certificateIn(fieldsIn(tls)['certificate']),
    attempts: attemptsIn(attempts ?? fieldsIn(associated)['attempts']),
  };
}

const hasPath = (stream: Partial<ActorView>): stream is Parameters<typeof stoodIn>[0] =>
  stream.path !== undefined && stream.state !== undefined;

/** All streams share the settings, so they are not in any context; each stream got them as input at birth. */
function settingsAtBirth(view: Told, stream: Concerned['stream']): unknown {
  if (stream?.id === undefined) return null;
  const born = view.recordsOf?.(stream.id).find(({ kind }) => kind === 'born');
  return born?.kind === 'born' ? fieldsIn(born.input)['settings'] : null;
}

/** Number of certificates that the far end sent, including its own; null if not recorded. */
function chainLengthIn(view: Told, stream: Concerned['stream']): number | null {
  if (stream?.id === undefined) return null;
  const shown = view.recordsOf?.(stream.id).findLast((one) => one.kind === 'certificate' && one.end === 'remote');
  return shown?.kind === 'certificate' ? (shown.chainLength ?? null) : null;
}

/** In a hand-written trace, the policy may be anything. */
function policyIn(value: unknown, remote: string): ResolvedPolicy | null {
  if (!isFields(value)) return null;
  try {
    return policyFor(value, remote);
  } catch {
    return null;
  }
}

/** The domains of an actor, if its context names them. */
export const domainsOf = ({ context }: ActorView): { local: string; remote: string } => ({
  local: textIn(context['local']),
  remote: textIn(context['remote']),
});
