/** All diagnoses. In this order; the first that suspects something is used. */
import { authoritativeServerFailed } from './authoritative-server-failed.ts';
import { challengeUnanswered } from './challenge-unanswered.ts';
import { closingUnanswered } from './closing-unanswered.ts';
import { connectionSilent } from './connection-silent.ts';
import type { Diagnosis } from './diagnosis.ts';
import { dnsSilent } from './dns-silent.ts';
import { failed } from './failed.ts';
import { featuresSilent } from './features-silent.ts';
import { handshakeSilent } from './handshake-silent.ts';
import { headerSilent } from './header-silent.ts';
import { initiatorSilent } from './initiator-silent.ts';
import { keyContested } from './key-contested.ts';
import { keyNotAskedFor } from './key-not-asked-for.ts';
import { ourselvesLate } from './ourselves-late.ts';
import { poshSilent } from './posh-silent.ts';
import { proceedSilent } from './proceed-silent.ts';
import { resultUnanswered } from './result-unanswered.ts';
import { saslSilent } from './sasl-silent.ts';
import { sentUnasserted } from './sent-unasserted.ts';
import { streamAwaited } from './stream-awaited.ts';
import { targetsTried } from './targets-tried.ts';
import { triedAgain } from './tried-again.ts';
import { turnAwaited } from './turn-awaited.ts';
import { verifyUnanswered } from './verify-unanswered.ts';

export const diagnoses: readonly Diagnosis[] = [
  triedAgain,
  authoritativeServerFailed,
  sentUnasserted,
  keyContested,
  keyNotAskedFor,
  resultUnanswered,
  failed,
  connectionSilent,
  headerSilent,
  featuresSilent,
  proceedSilent,
  handshakeSilent,
  saslSilent,
  verifyUnanswered,
  turnAwaited,
  dnsSilent,
  poshSilent,
  challengeUnanswered,
  initiatorSilent,
  closingUnanswered,
  targetsTried,
  streamAwaited,
  ourselvesLate,
];
