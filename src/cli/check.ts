/** `xmpp-dna check`: one negotiation with a domain, step by step, and what to fix. */
import { hostname } from 'node:os';
import { comparePolicies, type Direction, DIRECTIONS, type Passage, type PolicyComparison } from '../check/compare.ts';
import type { CheckQuestion } from '../check/question.ts';
import { runCheck } from '../check/run.ts';
import { type CheckStep, sentenceOf } from '../check/steps.ts';
import type { CheckVerdict } from '../check/verdict.ts';
import { loadConfig, type ServeConfig } from '../config/load.ts';
import { canonicalDomain, isIpLiteral } from '../protocol/names.ts';
import { canonicalPolicy, policyFor } from '../protocol/policy.ts';
import { type Service, SERVICES } from '../protocol/service.ts';
import type { NodePorts } from '../node-ports.ts';
import { paintFor } from './paint.ts';
import { portsFor } from './check-ports.ts';
import type { RunCommand } from './command.ts';
import { visible } from './visible.ts';
import { policyGiven } from './policy-words.ts';
import { EXIT, type Terminal, UsageError } from './terminal.ts';

/** A name that nobody can own (RFC 6761 §6.4). */
const NOBODY = 'xmpp-dna.invalid';

export const check: RunCommand = async ({ values, positionals: [typed = ''] }, terminal) => {
  const domain = domainFrom('DOMAIN', typed);
  const service = serviceFrom(values['service']);
  const { config: file, from, policy: words } = values;
  const config = typeof file === 'string' ? loadConfig(file) : null;
  const note = (sentence: string): void => terminal.tell(terminal.paint('yellow', sentence));
  config?.warnings.forEach(note);
  const local = typeof from === 'string' ? domainFrom('--from', from) : localOf(config, service);
  if (local === domain)
    throw new UsageError(`--from: expected a domain other than ${domain}, which is checked from outside`);
  if (local === NOBODY) note(`names ${NOBODY} as our domain, because this machine has no domain name; --from sets one`);
  const policy = config?.manager.policy ?? {};
  const question: CheckQuestion = {
    domain,
    service,
    local,
    policy: typeof words === 'string' ? policyGiven(policy, domain, words) : policy,
    authentication: service === 'xmpp-server' && config !== null ? authenticationOf(config, local, note) : null,
  };
  if (service === 'xmpp-client' && policyFor(canonicalPolicy(question.policy), domain).target !== null)
    note(`policy: the target of ${domain} applies to servers only, and is ignored: clients go where the DNS says`);
  const freshPorts = (tell: typeof note): NodePorts => portsFor(typeof file === 'string' ? file : '', config, tell);
  const ports = freshPorts(note);
  try {
    terminal.print(`${domain}, ${service}, as ${local || 'nobody'}`);
    const verdict = await runCheck(question, ports, (step) => printStep(step, terminal));
    // For a client there is no incoming direction, and only the proof of the server matters.
    if (typeof words === 'string' && service === 'xmpp-server') {
      const now = await askedQuietly(
        { ...question, policy },
        freshPorts(() => undefined),
      );
      const other = { policy: canonicalPolicy(question.policy), verdict };
      printComparison(comparePolicies(domain, { policy: canonicalPolicy(policy), verdict: now }, other), terminal);
    }
    printVerdict(verdict, terminal);
    return verdict.verdict === 'proved' ? EXIT.good : EXIT.bad;
  } finally {
    ports.close();
  }
};

/** Runs the check again with its own ports: ports cache answers and TLS sessions, and both policies must see alike. */
async function askedQuietly(question: CheckQuestion, ports: NodePorts): Promise<CheckVerdict> {
  try {
    return await runCheck(question, ports, () => undefined);
  } finally {
    ports.close();
  }
}

function domainFrom(what: string, typed: string): string {
  const domain = canonicalDomain(typed);
  if (domain === null) throw new UsageError(`${what}: expected a domain, got ${JSON.stringify(typed)}`);
  return domain;
}

function serviceFrom(typed: string | boolean | undefined): Service {
  const service = typed === undefined ? 'xmpp-server' : SERVICES.find((one) => one === typed);
  if (service !== undefined) return service;
  throw new UsageError(`--service: expected ${SERVICES.join(' or ')}, got ${JSON.stringify(typed)}`);
}

/**
 * A stream header between servers names the sender (RFC 6120 §4.7.1); a name that we cannot prove is only stated, not
 * claimed.
 */
function localOf(config: ServeConfig | null, service: Service): string {
  if (service === 'xmpp-client') return '';
  const [host] = Object.keys(config?.manager.hosts ?? {});
  if (host !== undefined) return host;
  const name = canonicalDomain(hostname());
  return name !== null && name.includes('.') && !isIpLiteral(name) ? name : NOBODY;
}

function authenticationOf(
  { manager }: ServeConfig,
  local: string,
  note: (sentence: string) => void,
): CheckQuestion['authentication'] {
  const credential = Object.hasOwn(manager.hosts, local) ? (manager.hosts[local] ?? null) : null;
  if (credential === null) {
    note(`${local} is not a host of the configuration, so no authentication is tried`);
    return null;
  }
  return { credential, dialbackSecret: manager.dialback?.secret ?? null };
}

function printStep(step: CheckStep, terminal: Terminal): void {
  const { state, atMs, ms, outcome, evidence } = step;
  terminal.event({ event: 'step', state, ms, atMs, outcome, evidence });
  const seconds = `${(atMs / 1_000).toFixed(3)} s`.padStart(9);
  terminal.print(visible(`${seconds}  ${state.padEnd(14)} ${sentenceOf(step)}`));
}

const WORDS: Readonly<Record<Direction, string>> = { out: 'to the domain', in: 'from the domain' };

function printComparison(comparison: PolicyComparison, terminal: Terminal): void {
  const { differences, inForce, other, cuts, opens, alters } = comparison;
  terminal.event({ event: 'comparison', ...comparison });
  terminal.print('');
  terminal.print('The policy in force, and the other one:');
  if (differences.length === 0) terminal.print('  they say the same about this domain');
  for (const { key, inForce: now, other: then } of differences)
    terminal.print(visible(`  ${key.padEnd(11)} ${now} → ${then}`));
  for (const way of DIRECTIONS) {
    terminal.print(`Stanzas ${WORDS[way]}:`);
    terminal.print(visible(`  now:   ${passageSentence(inForce[way])}`));
    terminal.print(visible(`  then:  ${passageSentence(other[way])}`));
  }
  const changed = [
    ...cuts.map((way) => `would cut stanzas ${WORDS[way]}`),
    ...opens.map((way) => `would let stanzas ${WORDS[way]} pass`),
    ...alters.map((way) => alteration(`stanzas ${WORDS[way]}`, inForce[way], other[way])),
  ];
  terminal.print(`The other policy ${changed.join(' and ') || 'would change nothing of that'}.`);
}

const passageSentence = ({ outcome, by, because }: Passage): string =>
  `${outcome}${by === null ? '' : by === 'none' ? ', no proof' : `, decided by ${by}`}: ${because}`;

/** A change that neither cuts stanzas off nor lets new ones through. */
function alteration(stanzas: string, now: Passage, then: Passage): string {
  if (then.outcome === 'unknown') return `leaves open whether ${stanzas} would pass`;
  if (then.outcome === 'refused')
    return `would refuse ${stanzas}${now.outcome === 'unknown' ? ', which is open now' : ' for another reason'}`;
  if (now.outcome === 'unknown') return `would let ${stanzas} pass, which is open now`;
  return `would still let ${stanzas} pass, ${means(then)} instead of ${means(now)}`;
}

const means = ({ by }: Passage): string => (by === 'none' ? 'without a proof' : `by ${by ?? 'nothing'}`);

function printVerdict(told: CheckVerdict, terminal: Terminal): void {
  const { domain, service, verdict, prooftype, federation, fault, cause, explanation, fix } = told;
  const shown = fault === null ? null : { ...fault, text: fault.text ?? null };
  terminal.event({
    event: 'verdict',
    ...{ domain, service, verdict, prooftype, federation },
    fault: shown,
    ...{ cause, explanation, fix },
  });
  const paint = paintFor(process.stdout);
  const colour = verdict === 'proved' ? 'green' : 'red';
  terminal.print('');
  terminal.print(
    paint(
      colour,
      `${verdict}${prooftype === null || verdict !== 'proved' ? '' : ` by ${prooftype}`}; federation: ${federation}`,
    ),
  );
  terminal.print(visible(explanation));
  // Its text is part of the explanation.
  if (fault !== null) terminal.print(`  fault: ${fault.layer}: ${fault.condition} (${fault.origin})`);
  if (fix !== null) terminal.print(visible(`  fix:   ${fix}`));
}
