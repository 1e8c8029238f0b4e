/** The claims that scenarios make; each can turn out false. */
import { answerText, type Facts, proofText, reports, samePair, wireName, wireOut } from './facts.ts';
import { other, pathOf, pathOfPair, socketsOf } from './paths.ts';
import type { Check, Message, Side } from './scenario.ts';

const arrow = ({ from, to }: Message): string => `${from} → ${to}`;

function times(n: number): string {
  return n === 1 ? 'once' : `${n} times`;
}

function outcomes(facts: Facts, pair: Message): string {
  const sent = facts.sent.filter((one) => samePair(one, pair));
  return sent.map(({ delivery }) => outcomeText(delivery)).join(', ');
}

function outcomeText(delivery: Facts['sent'][number]['delivery']): string {
  if (delivery === null) return 'still waiting';
  if (delivery.outcome !== 'returned') return delivery.outcome;
  const { layer, condition } = delivery.fault;
  return `returned (${layer}: ${condition})`;
}

/** Every message of the pair was sent, and arrived once (S1, L1). */
export function delivered(pair: Message, count = 1): Check {
  const sent = Array.from({ length: count }, () => 'sent').join(', ');
  return {
    claim: `${arrow(pair)} is delivered ${times(count)}`,
    expected: `${sent}; arrived ${times(count)}`,
    seen: (facts) =>
      `${outcomes(facts, pair)}; arrived ${times(facts.arrived.filter((one) => samePair(one, pair)).length)}`,
  };
}

/** The message of the pair was returned with this fault, and nothing arrived. */
export function returned(pair: Message, layer: string, condition: string): Check {
  return {
    claim: `${arrow(pair)} comes back: ${layer}, ${condition}`,
    expected: `returned (${layer}: ${condition}); arrived 0 times`,
    seen: (facts) =>
      `${outcomes(facts, pair)}; arrived ${times(facts.arrived.filter((one) => samePair(one, pair)).length)}`,
  };
}

/** The receiving server let the pair in, because of this proof of the sender domain. */
export function admitted(at: Side, pair: Message, proof: string): Check {
  return {
    claim: `${at} admits ${arrow(pair)}, since ${pair.from} is proved by ${proof}`,
    expected: proof,
    seen: (facts) => {
      const proofs = reports(facts, at, 'pair.admitted')
        .filter((report) => samePair(report, pair))
        .map((report) => proofText(report.proof));
      // A peer that proves its domain by its certificate and asserts it as well is admitted twice, by one proof.
      return [...new Set(proofs)].join(', ') || 'not admitted';
    },
  };
}

/** The originating server may send for the pair, because of this proof of the target domain. */
export function accepted(at: Side, pair: Message, proof: string): Check {
  return {
    claim: `${at} sends ${arrow(pair)}, since ${pair.to} is proved by ${proof}`,
    expected: proof,
    seen: (facts) =>
      reports(facts, at, 'pair.accepted')
        .filter((report) => samePair(report, pair))
        .map((report) => proofText(report.proof))
        .join(', ') || 'not accepted',
  };
}

/** No stream of this provider ever let anything in. */
export function admitsNothing(at: Side): Check {
  return {
    claim: `${at} admits nothing`,
    expected: 'nothing',
    seen: (facts) => reports(facts, at, 'pair.admitted').map(arrow).join(', ') || 'nothing',
  };
}

/** How the receiving server answered the assertion of a sender domain. */
export function assertionAnswered(at: Side, pair: Message, answer: string): Check {
  return {
    claim: `${at} answers the assertion ${arrow(pair)} with ${answer}`,
    expected: answer,
    seen: (facts) =>
      reports(facts, at, 'verification.settled')
        .filter(({ outcome }) => samePair(outcome, pair))
        .map(({ outcome }) => answerText(outcome.answer))
        .join(', ') || 'no assertion was settled',
  };
}

/** How the proof of a domain on a stream ended, such as `proved` or `pkix: name-mismatch`. */
export function judged(at: Side, domain: string, verdict: string): Check {
  return {
    claim: `${at} judges ${domain}: ${verdict}`,
    expected: verdict,
    seen: (facts) => {
      const verdicts = reports(facts, at, 'association.settled')
        .filter(({ outcome }) => outcome.domain === domain)
        .map(({ outcome: { verdict: v } }) =>
          v.kind === 'proved' ? 'proved' : `${v.fault.layer}: ${v.fault.condition}`,
        );
      return [...new Set(verdicts)].join(', ') || 'not judged';
    },
  };
}

/** The evidence for a proof of a domain, such as the name that was found in the certificate. */
export function rests(at: Side, domain: string, key: string, value: string): Check {
  return {
    claim: `${at} finds ${domain} proved by the ${key} ${value}`,
    expected: value,
    seen: (facts) => {
      const found = reports(facts, at, 'association.settled')
        .filter(({ outcome }) => outcome.domain === domain)
        .map(({ outcome: { verdict } }) => (verdict.kind === 'proved' ? String(verdict.evidence[key]) : 'not proved'));
      return [...new Set(found)].join(', ') || 'not judged';
    },
  };
}

/** What a client of the domain found: a prooftype, or the fault. */
export function sought(domain: string, found: string): Check {
  return {
    claim: `a client finds ${domain}: ${found}`,
    expected: found,
    seen: (facts) => {
      const verdict = facts.sought.find((one) => one.domain === domain)?.verdict ?? null;
      if (verdict === null) return 'nothing yet';
      const { fault, prooftype } = verdict;
      return fault === null ? (prooftype ?? 'nothing') : `${fault.layer}: ${fault.condition}`;
    },
  };
}

export function sockets(opened: number, standing: number): Check {
  const text = (count: { readonly opened: number; readonly standing: number }): string =>
    `${count.opened} opened, ${count.standing} standing`;
  return {
    claim: `sockets: ${text({ opened, standing })}`,
    expected: text({ opened, standing }),
    seen: (facts) => text(facts.sockets),
  };
}

/** How often a provider sent an element, such as `db:verify`, by its name. */
export function said(at: Side, name: string, count: number): Check {
  return {
    claim: count === 0 ? `${at} never says ${name}` : `${at} says ${name} ${times(count)}`,
    expected: times(count),
    seen: (facts) => times(wireOut(facts, at).filter((element) => wireName(element) === name).length),
  };
}

/** The path of one end of a socket through the flow chart; `nth` counts the sockets that `opener` opened. */
export function streamPath(opener: Side, nth: number, end: 'opener' | 'acceptor', path: string): Check {
  return {
    claim: `${end === 'opener' ? opener : other(opener)} passes ${path}`,
    expected: path,
    seen: (facts) => {
      const socket = socketsOf(facts).filter((one) => one.opener === opener)[nth - 1];
      const actor = end === 'opener' ? socket?.initiating : socket?.receiving;
      if (actor === undefined || actor === null) return 'there is no such stream';
      return pathOf(facts, end === 'opener' ? opener : other(opener), actor).join(' → ');
    },
  };
}

/** How the pair got its stream. */
export function pairPath(at: Side, pair: Message, path: string): Check {
  return {
    claim: `${arrow(pair)} passes ${path}`,
    expected: path,
    seen: (facts) => pathOfPair(facts, at, pair).join(' → '),
  };
}
