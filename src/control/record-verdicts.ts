/** Records derived from stream reports: which domains were proved, and which pairs may send. */
import type { StreamId, StreamReport } from '../../machines/events.ts';
import type { ProofAttempt } from '../protocol/proof.ts';
import type { FactChanged } from '../trace/record.ts';
import type { Recorder } from './recorder.ts';

export function recordVerdicts(recorder: Recorder, report: StreamReport): void {
  if (!recorder.isOn) return;
  switch (report.type) {
    case 'association.settled':
      verdicts(recorder, report.stream, report.outcome.domain, report.outcome.attempts);
      break;
    case 'verification.settled':
      verdicts(recorder, report.stream, report.outcome.from, report.outcome.attempts);
      break;
    case 'pair.admitted':
    case 'pair.accepted': {
      const { stream, from, to, proof } = report;
      const direction = report.type === 'pair.admitted' ? 'in' : 'out';
      const { prooftype, expiresAtMs } = proof;
      fact(recorder, { change: 'published', stream, direction, from, to, prooftype, expiresAtMs });
      break;
    }
    case 'domain.withdrawn': {
      const { stream, domain, end } = report;
      const asSender = { change: 'withdrawn', stream, from: domain, to: null, ...nothingProved } as const;
      if (end === 'remote') {
        fact(recorder, { ...asSender, direction: 'in' });
        fact(recorder, { ...asSender, direction: 'out', from: null, to: domain });
      } else {
        fact(recorder, { ...asSender, direction: 'out' });
      }
      break;
    }
    case 'stream.closing':
      fact(recorder, { ...ended(report.stream), direction: 'out' });
      break;
    case 'stream.closed':
      fact(recorder, { ...ended(report.stream), direction: 'in' });
      break;
    case 'challenge.settled': // recorded with the association that asked for it
    case 'stream.verifiable':
    case 'stream.established':
    case 'pair.asserted':
    case 'pair.refused':
    case 'domain.asserted':
    case 'domain.judged':
    case 'verify.answered':
  }
}

const nothingProved = { prooftype: null, expiresAtMs: null };

const ended = (stream: StreamId) => ({ change: 'withdrawn', stream, from: null, to: null, ...nothingProved }) as const;

/** Fields are listed because every stream has some facts, and an object spread costs ten times as much. */
function fact(recorder: Recorder, changed: FactChanged): void {
  const { change, stream, direction, from, to, prooftype, expiresAtMs } = changed;
  recorder.record(`stream:${stream}`, { kind: 'fact', change, stream, direction, from, to, prooftype, expiresAtMs });
}

function verdicts(recorder: Recorder, stream: StreamId, domain: string, attempts: readonly ProofAttempt[]): void {
  for (const { prooftype, verdict } of attempts) {
    const isProved = verdict.kind === 'proved';
    recorder.record(`stream:${stream}`, {
      kind: 'verdict',
      domain,
      prooftype,
      verdict: verdict.kind,
      evidence: isProved ? verdict.evidence : null,
      expiresAtMs: isProved ? verdict.expiresAtMs : null,
      fault: isProved ? null : verdict.fault,
    });
  }
}
