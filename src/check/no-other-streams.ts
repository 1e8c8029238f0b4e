/** A check has no other streams: nothing is reused, and no authoritative server is asked on behalf of a peer. */
import { ChallengeDesk, type ChallengeDeskPorts } from '../control/challenge-desk.ts';
import type { OtherStreams } from '../control/effects.ts';
import { StandingStreams } from '../control/standing-streams.ts';
import { StreamSearch } from '../control/stream-search.ts';
import { VerifyDesk } from '../control/verify-desk.ts';

/** Challenges go over the only stream that there is. */
export function noOtherStreams({ clock, challenge }: Pick<ChallengeDeskPorts, 'clock' | 'challenge'>): OtherStreams {
  const nothing = (): void => undefined;
  return {
    streams: new StandingStreams(),
    search: new StreamSearch(new StandingStreams(), clock, nothing),
    challenges: new ChallengeDesk({ stands: () => true, challenge, clock }),
    desk: new VerifyDesk({
      stands: () => false,
      ask: nothing,
      forget: nothing,
      standing: () => null,
      locate: () => null,
      standingAt: () => null,
      want: nothing,
      unwant: () => null,
      farAddress: () => '',
    }),
  };
}
