/** What reports of streams say about who was proved, and who may send where: as records of their own. */
import type { StreamReport } from '../../machines/events.ts';
import type { ProofVerdict, ProvedBy } from '../protocol/proof.ts';
import type { FactChanged, VerdictFound } from '../trace/record.ts';
import type { Recorder } from './recorder.ts';

export function recordVerdicts(recorder: Recorder, report: StreamReport): void {
  if (!recorder.isOn) return;
  const actor = `stream:${report.stream}`;
  const verdict = (found: VerdictFound) => recorder.record(actor, { kind: 'verdict', ...found });
  const fact = (changed: Omit<FactChanged, 'stream'>) =>
    recorder.record(actor, { kind: 'fact', stream: report.stream, ...changed });
  switch (report.type) {
    case 'association.settled':
      for (const attempt of report.outcome.attempts)
        verdict(verdictOf(report.outcome.domain, attempt.prooftype, attempt.verdict));
      break;
    case 'verification.settled':
      for (const attempt of report.outcome.attempts)
        verdict(verdictOf(report.outcome.from, attempt.prooftype, attempt.verdict));
      break;
    case 'pair.admitted':
    case 'pair.accepted': {
      const { from, to, proof } = report;
      const direction = report.type === 'pair.admitted' ? 'in' : 'out';
      fact({
        change: 'published',
        direction,
        from,
        to,
        prooftype: proof.prooftype,
        expiresAtMs: proof.expiresAtMs,
      });
      break;
    }
    case 'domain.withdrawn': {
      const { domain, end } = report;
      const asSender = { change: 'withdrawn', from: domain, to: null, ...nothingProved } as const;
      if (end === 'remote') {
        fact({ ...asSender, direction: 'in' });
        fact({ ...asSender, direction: 'out', from: null, to: domain });
      } else {
        fact({ ...asSender, direction: 'out' });
      }
      break;
    }
    case 'stream.closing':
      fact({ change: 'withdrawn', direction: 'out', from: null, to: null, ...nothingProved });
      break;
    case 'stream.closed':
      fact({ change: 'withdrawn', direction: 'in', from: null, to: null, ...nothingProved });
      break;
    case 'challenge.settled': // told with the association that asked for it
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

function verdictOf(domain: string, prooftype: ProvedBy, verdict: ProofVerdict): VerdictFound {
  return verdict.kind === 'proved'
    ? {
        domain,
        prooftype,
        verdict: 'proved',
        evidence: verdict.evidence,
        expiresAtMs: verdict.expiresAtMs,
        fault: null,
      }
    : { domain, prooftype, verdict: verdict.kind, evidence: null, expiresAtMs: null, fault: verdict.fault };
}
