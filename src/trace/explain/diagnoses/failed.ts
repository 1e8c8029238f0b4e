/** It has failed: what the table of causes says about the fault, and how many attempts in a row have failed. */
import { diagnose, type Situation } from '../causes/diagnose.ts';
import { isFields, numberIn } from '../../context.ts';
import type { Diagnosis } from './diagnosis.ts';

const lookAgain = ({ domain }: Situation): string =>
  `"xmpp-dna check ${domain}" shows how far a stream to it comes now.`;
const DEFECT = 'This is a bug in this program: report it, with --bundle.';

export const failed: Diagnosis = {
  id: 'failed',
  check: (_, { outcome }) => (outcome === 'failed' ? 'suspect' : 'ok'),
  explain: (_, negotiation) => {
    const { situation, peer } = negotiation;
    const { cause, fix, mover } = diagnose(situation);
    const failures = isFields(peer?.context) ? (numberIn(peer.context['failures']) ?? 0) : 0;
    const often = failures > 1 ? ` ${failures} attempts in a row have failed.` : '';
    return {
      cause: `${cause}${often}`,
      fix: fix ?? (situation.fault.layer === 'internal' ? DEFECT : lookAgain(situation)),
      ...(mover === null ? {} : { mover }),
    };
  },
};
