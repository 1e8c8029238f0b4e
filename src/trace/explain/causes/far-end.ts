/** What the far end says about the domain and about us, and what our own policy says about the far end. */
import { type Cause, place, said, says, type Situation } from './cause.ts';

const weSaid = ({ local = '' }: Situation): string => (local === '' ? 'nobody' : local);

/** The connection has ended without a reason given. */
const WITHOUT_A_WORD: readonly string[] = ['connection-closed', 'connection-reset', 'closed'];

export const farEndCauses: readonly Cause[] = [
  {
    id: 'domain-not-served',
    layers: ['stream'],
    conditions: ['host-unknown', 'host-gone'],
    because: (situation) => `The server at ${place(situation)} does not serve ${situation.domain}${said(situation)}.`,
    fix: ({ domain }) =>
      `Add ${domain} to the hosts of that server; or have the SRV record name the server that serves it.`,
  },
  {
    id: 'sent-elsewhere',
    layers: ['stream'],
    conditions: ['see-other-host'],
    because: (situation) =>
      `The server at ${place(situation)} says that ${situation.domain} is served elsewhere${said(situation)}; that is not followed here, because anybody on the way could have said it.`,
    fix: ({ domain, fault: { text } }) =>
      `Have the SRV record of ${domain} name ${text ?? 'that host'}; or configure it as the target of ${domain} here.`,
  },
  {
    id: 'our-certificate-not-accepted',
    mover: 'operator',
    layers: ['stream'],
    conditions: ['not-authorized', 'policy-violation'],
    // Prosody ends the stream before it offers anything, and gives the reason only in the text.
    when: ({ fault }) => fault.origin === 'peer' && /certificate/i.test(fault.text ?? ''),
    because: (situation) =>
      `The server at ${place(situation)} requires a certificate that proves ${weSaid(situation)}, and ours does not satisfy it${said(situation)}.`,
    fix: ({ local = '' }) =>
      `Present a certificate with the dNSName ${local || 'of our domain'}, currently valid, from an authority that it trusts, with its chain; it does not accept dialback instead.`,
  },
  {
    id: 'we-are-refused',
    mover: 'operator',
    layers: ['stream'],
    conditions: ['invalid-from', 'improper-addressing', 'not-authorized', 'policy-violation'],
    when: ({ fault }) => fault.origin === 'peer',
    because: (situation) =>
      `The server at ${place(situation)} does not talk to ${weSaid(situation)}: ${situation.fault.condition}${said(situation)}.`,
    fix: () =>
      'Ask its operator: our domain is on a list there, or looks wrong from there (run "xmpp-dna check" on it from elsewhere). If a check was refused, --from asks as another domain.',
  },
  {
    id: 'far-end-overloaded',
    layers: ['stream'],
    conditions: ['resource-constraint', 'system-shutdown', 'reset', 'internal-server-error', 'conflict'],
    because: (situation) =>
      `The server at ${place(situation)} cannot take the stream now: ${situation.fault.condition}${said(situation)}.`,
    fix: () => 'Try again later; if it persists, look at the log of that server.',
  },
  {
    id: 'xmpp-before-1-0',
    layers: ['stream'],
    conditions: ['unsupported-version'],
    because: (situation) =>
      `The server at ${place(situation)} does not speak XMPP 1.0, and therefore no TLS${said(situation)}.`,
    fix: () => 'Replace it, or update it.',
  },
  {
    id: 'feature-unknown',
    layers: ['stream'],
    conditions: ['unsupported-feature'],
    because: (situation) =>
      `The server at ${place(situation)} requires a stream feature that is not known here${said(situation)}.`,
    fix: () => 'Configure it not to require features that RFC 6120 does not.',
  },
  {
    id: 'far-end-late',
    layers: ['stream'],
    conditions: ['features-timeout', 'connection-timeout'],
    // Otherwise the far end reported the timeout, not our own clock.
    when: (situation) =>
      situation.fault.condition === 'features-timeout' || says(/^the stream was not established in time$/)(situation),
    because: (situation) =>
      `The server at ${place(situation)} answered, and then said nothing more in time${said(situation)}.`,
    fix: () => 'Look at the log of that server; it may be waiting for DNS or HTTPS answers about us.',
  },
  {
    id: 'far-end-lost-patience',
    layers: ['stream'],
    conditions: ['connection-timeout'],
    because: (situation) =>
      `The server at ${place(situation)} ended the stream, because ${weSaid(situation)} was not proved to it in time${said(situation)}.`,
    fix: ({ local = '' }) =>
      `Look at the log of that server for ${local || 'us'}: what it looked up about us, and where. "xmpp-dna check ${local || 'DOMAIN'}" from elsewhere shows what others see of us.`,
  },
  {
    id: 'closed-unanswered',
    layers: ['dialback', 'stream', 'tcp'],
    when: ({ fault: { layer, condition }, isAsserted }) =>
      layer === 'dialback'
        ? condition === 'closed-while-waiting'
        : isAsserted === true && WITHOUT_A_WORD.includes(condition),
    because: (situation) =>
      `The server at ${place(situation)} closed the stream without answering our db:result for ${weSaid(situation)}${said(situation)}.`,
    fix: ({ local = '' }) =>
      `Look at the log of that server for ${local || 'us'}: it does not accept dialback, could not ask our server about the key, or has lost the connection.`,
  },
  {
    id: 'sasl-unanswered',
    layers: ['sasl', 'stream', 'tcp'],
    when: ({ fault: { layer, condition }, stoodIn, direction }) =>
      layer === 'sasl'
        ? ['outcome-timeout', 'closed-after-auth'].includes(condition)
        : direction !== 'incoming' && stoodIn === 'authentication.saslExternal' && WITHOUT_A_WORD.includes(condition),
    because: (situation) =>
      situation.fault.condition === 'outcome-timeout'
        ? `The server at ${place(situation)} offered SASL EXTERNAL, and did not say in time whether it accepts our certificate for ${weSaid(situation)}.`
        : `The server at ${place(situation)} offered SASL EXTERNAL, and closed the stream when we used it as ${weSaid(situation)}.`,
    fix: ({ local = '' }) =>
      `Look at the log of that server for ${local || 'us'}; it may wait for our DNS, our POSH document, or OCSP of our certificate. "xmpp-dna check ${local || 'DOMAIN'}" from outside shows what it sees of us.`,
  },
  {
    id: 'closed-by-far-end',
    layers: ['stream', 'tcp'],
    because: (situation) =>
      `The server at ${place(situation)} ended the stream: ${situation.fault.condition}${said(situation)}.`,
    fix: () => 'Look at the log of that server.',
  },
  {
    id: 'invalid-xml',
    layers: ['xml'],
    because: (situation) =>
      `What ${place(situation)} says is not an XMPP stream: ${situation.fault.condition}${said(situation)}.`,
    fix: () =>
      'Have the SRV record name the XMPP server; if it does, look for something in front of it that changes the stream.',
  },
  {
    id: 'no-method-for-us',
    mover: 'operator',
    layers: ['sasl'],
    conditions: ['no-method-offered'],
    because: (situation) =>
      `The server at ${place(situation)} offers ${weSaid(situation)} no way to prove itself: neither SASL EXTERNAL nor dialback.`,
    fix: ({ local = '' }) =>
      `Our certificate has to satisfy it: one with the dNSName ${local || 'of our domain'}, from a public authority, with its chain; or the far end has to allow dialback.`,
  },
  {
    id: 'we-are-not-believed',
    mover: 'operator',
    layers: ['sasl'],
    because: (situation) =>
      `The server at ${place(situation)} did not accept our certificate for ${weSaid(situation)} (SASL EXTERNAL): ${situation.fault.condition}${said(situation)}.`,
    fix: ({ local = '', fault }) =>
      /purpose/.test(fault.text ?? '')
        ? `Give ${local || 'our domain'} a certificate for clients as well (clientAuth), if an authority issues one; or use dialback, if the far end accepts it.`
        : `Check our own side: "xmpp-dna check ${local || 'DOMAIN'}" from elsewhere; the certificate has to name ${local || 'us'}, and its chain has to be complete.`,
  },
  {
    id: 'no-dialback-secret',
    mover: 'operator',
    layers: ['dialback'],
    conditions: ['no-secret'],
    because: (situation) =>
      `${place(situation)} would believe ${weSaid(situation)} by dialback only, and that was not tried: the configuration has no dialback.secret in common with the running server.`,
    fix: () =>
      'Set dialback.secret in --config, the same as in the server that answers for our domain; or have our certificate accepted.',
  },
  {
    id: 'key-disowned',
    mover: 'operator',
    layers: ['dialback'],
    conditions: ['invalid', 'forbidden'],
    because: (situation) =>
      `The server that answers for ${weSaid(situation)} in the DNS did not know our dialback key.`,
    fix: () => 'Use the same dialback.secret on every server that answers for the domain, and on this machine.',
  },
  {
    id: 'target-not-served',
    layers: ['dialback'],
    conditions: ['item-not-found'],
    because: (situation) => `The server at ${place(situation)} does not serve ${situation.domain}${said(situation)}.`,
    fix: ({ domain }) =>
      `Add ${domain} to the hosts of that server; or have the SRV record name the server that serves it.`,
  },
  {
    id: 'far-end-full',
    layers: ['dialback'],
    conditions: ['resource-constraint', 'internal-server-error', 'service-unavailable'],
    because: (situation) =>
      `The server at ${place(situation)} could not verify ${weSaid(situation)} now: ${situation.fault.condition}${said(situation)}.`,
    fix: () => 'Try again later; if it persists, look at the log of that server.',
  },
  {
    id: 'we-cannot-be-found',
    mover: 'operator',
    layers: ['dialback'],
    conditions: ['remote-server-not-found'],
    because: (situation) => `The far end cannot find a server for ${weSaid(situation)}${said(situation)}.`,
    fix: ({ local = '' }) =>
      `Publish where ${local || 'our domain'} is served: "xmpp-dna check ${local || 'DOMAIN'}" shows what others see.`,
  },
  {
    id: 'result-unanswered',
    layers: ['dialback'],
    conditions: ['remote-server-timeout'],
    when: says(/no answer to db:result/),
    because: ({ domain }) => `${domain} never answered our db:result.`,
    fix: () =>
      'Look at the log of that server: it has everything that it needs. A new stream may help; the pair is asserted again on the next one.',
  },
  {
    id: 'we-cannot-be-reached',
    mover: 'operator',
    layers: ['dialback'],
    conditions: ['remote-connection-failed', 'remote-server-timeout'],
    because: (situation) =>
      `The far end could not ask the server of ${weSaid(situation)} whether our key is right: ${situation.fault.condition}${said(situation)}.`,
    fix: ({ local = '' }) =>
      `Have the server of ${local || 'our domain'} run, and let it be reached from outside: "xmpp-dna check ${local || 'DOMAIN'}" shows what others see.`,
  },
  {
    id: 'dialback-refused',
    mover: 'operator',
    layers: ['dialback'],
    because: (situation) =>
      `The far end does not accept ${weSaid(situation)} by dialback: ${situation.fault.condition}${said(situation)}.`,
    fix: () => 'Have our certificate accepted (SASL EXTERNAL): the far end wants more than dialback.',
  },
  {
    id: 'delegation-not-proved',
    layers: ['dna'],
    because: (situation) =>
      `The server at ${place(situation)} could not prove that ${situation.domain} was delegated to it (DNA protocol of 2009): ${situation.fault.condition}${said(situation)}.`,
    fix: ({ domain }) =>
      `Give that server a proof from the owner of ${domain} that is in force (hosts.${domain}.proofs); or a certificate that names ${domain}.`,
  },
  {
    id: 'own-prooftype-says-no',
    mover: 'operator',
    layers: ['prooftype'],
    because: (situation) =>
      `A prooftype of the program that embeds xmpp-dna did not prove ${situation.domain}: ${situation.fault.condition}${said(situation)}.`,
    fix: ({ domain }) =>
      `What that prooftype asks for is known to whoever wrote it; or name other prooftypes in the policy towards ${domain}.`,
  },
  {
    id: 'denied-here',
    mover: 'operator',
    layers: ['policy'],
    conditions: ['policy-violation'],
    because: (situation) => `Our own policy forbids ${situation.domain}${said(situation)}.`,
    fix: () => 'Change policy.allow or policy.deny in the configuration, if that is not intended.',
  },
  {
    id: 'nothing-proved',
    mover: 'operator',
    layers: ['policy'],
    because: (situation) =>
      `No prooftype of the policy could say anything about ${situation.domain}${said(situation)}.`,
    fix: () => 'Name prooftypes in the policy that the domain supports, such as dane, pkix and posh.',
  },
];
