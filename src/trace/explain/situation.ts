/** What is known of a negotiation that the table of causes asks for. */
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
  /** The one that is negotiated, or was last. */
  readonly stream: ActorView | null;
  /** The actor of the remote domain. */
  readonly peer: ActorView | null;
}

/** Of the actors only what they know counts. */
interface Concerned extends Pick<Involved, 'local' | 'remote' | 'direction'> {
  readonly stream: (Pick<ActorView, 'context'> & Partial<ActorView>) | null;
  readonly peer: Pick<ActorView, 'context'> | null;
}

/** Who has no records tells the settings in the context of the stream. */
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
    // Who dials us came from nowhere that we know of, wherever we dial his domain.
    endpoint: endpointIn(endpoint) ?? (direction === 'incoming' ? null : endpointIn(peer?.context['endpoint'])),
    isEncrypted,
    ...(stream !== null && hasPath(stream) ? { stoodIn: stoodIn(stream) } : {}),
    isAuthenticated: phase === 'authenticated',
    // Under TLS the features are others; without any, nothing is known.
    startTls: isEncrypted ? null : startTlsIn(features),
    // Connected to, and no header came: whoever closes then has said nothing.
    ...(typeof connectedTo === 'string' && wireId === null && !isEncrypted ? { firstBytes: null } : {}),
    chainLength: chainLengthIn(view, stream),
    certificate: certificateIn(fieldsIn(tls)['certificate']),
    attempts: attemptsIn(attempts ?? fieldsIn(associated)['attempts']),
  };
}

const hasPath = (stream: Partial<ActorView>): stream is Parameters<typeof stoodIn>[0] =>
  stream.path !== undefined && stream.state !== undefined;

/** All streams share them, so that they are in none of their contexts; each was born with them. */
function settingsAtBirth(view: Told, stream: Concerned['stream']): unknown {
  if (stream?.id === undefined) return null;
  const born = view.recordsOf?.(stream.id).find(({ kind }) => kind === 'born');
  return born?.kind === 'born' ? fieldsIn(born.input)['settings'] : null;
}

/** Certificates that the far end sent, its own counted; null where that was not recorded. */
function chainLengthIn(view: Told, stream: Concerned['stream']): number | null {
  if (stream?.id === undefined) return null;
  const shown = view.recordsOf?.(stream.id).findLast((one) => one.kind === 'certificate' && one.end === 'remote');
  return shown?.kind === 'certificate' ? (shown.chainLength ?? null) : null;
}

/** Of a trace that somebody has written by hand, the policy may be anything. */
function policyIn(value: unknown, remote: string): ResolvedPolicy | null {
  if (!isFields(value)) return null;
  try {
    return policyFor(value, remote);
  } catch {
    return null;
  }
}

/** The domains of an actor, where its context names them. */
export const domainsOf = ({ context }: ActorView): { local: string; remote: string } => ({
  local: textIn(context['local']),
  remote: textIn(context['remote']),
});
