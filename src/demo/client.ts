/**
 * A client that looks for the server of a domain, and disconnects once it is proved: the next step would be a login
 * (RFC 7712 §3).
 */
import { runCheck } from '../check/run.ts';
import type { CheckVerdict } from '../check/verdict.ts';
import { Recorder } from '../control/recorder.ts';
import { countedNetwork } from './counted-network.ts';
import type { Observer } from './provider.ts';
import type { Stage } from './stage.ts';

/** Prefix of the actor names in the records of a client's streams. */
export const CLIENT = 'client of ';

export async function seekServer(
  domain: string,
  stage: Stage,
  { side, sockets, changed, seen }: Omit<Observer, 'arrived'>,
): Promise<CheckVerdict> {
  const { clock, random, resolver, pathValidator, posh } = stage;
  const { network } = stage.host({ forServerName: () => null });
  const recorder = new Recorder({ clock, records: 0 });
  const reading = recorder.records$.subscribe((record) => {
    seen({ at: side, record: { ...record, actor: `${CLIENT}${domain}, ${record.actor}` } });
    changed();
  });
  try {
    return await runCheck(
      { domain, service: 'xmpp-client', local: '', policy: {}, authentication: null },
      { network: countedNetwork(network, sockets, changed), clock, random, resolver, pathValidator, posh },
      () => undefined,
      recorder,
    );
  } finally {
    reading.unsubscribe();
  }
}
