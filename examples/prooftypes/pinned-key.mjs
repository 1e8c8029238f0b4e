/**
 * A domain is proved by a key that two operators have exchanged. The names in their certificates do not matter, and no
 * authority that the other trusts has signed them.
 *
 *     node examples/prooftypes/pinned-key.mjs
 */
import { ConnectionManager, createCertificateAuthority, createNodePorts, faultSentence, xml } from 'xmpp-dna';
import { pinnedKey, pinOf } from './pinned-key.prooftype.mjs';

const selfMade = createCertificateAuthority({ name: 'Whoever' });
const capulet = selfMade.issue({ dnsNames: ['localhost'] });
const montague = selfMade.issue({ dnsNames: ['localhost'] });
const renewed = selfMade.issue({ dnsNames: ['localhost'], key: montague.key });
const another = selfMade.issue({ dnsNames: ['localhost'] });

/** What each operator knows about the other. */
const pins = new Map([
  ['capulet.example', [pinOf(capulet.cert)]],
  ['montague.example', [pinOf(montague.cert)]],
]);
const prooftypes = { 'pinned-key': pinnedKey(pins) };

/** Juliet writes to a montague.example that presents this certificate. */
async function play(scene, certificate) {
  const theirs = { 'montague.example': certificate };
  const far = new ConnectionManager(
    {
      hosts: theirs,
      listen: [{ address: '127.0.0.1', port: 0, tls: 'detect' }],
      policy: { prooftypes: ['pinned-key'] },
      prooftypes,
    },
    createNodePorts({ hosts: theirs }),
  );
  await far.start();
  const target = { host: '127.0.0.1', port: far.listening[0].port, tls: 'direct' };
  const ours = { 'capulet.example': capulet };
  const near = new ConnectionManager(
    { hosts: ours, policy: { domains: { 'montague.example': { target, prooftypes: ['pinned-key'] } } }, prooftypes },
    createNodePorts({ hosts: ours }),
  );
  await near.start();
  const addresses = { from: 'juliet@capulet.example', to: 'romeo@montague.example' };
  const delivery = await near.send(xml('message', addresses, xml('body', {}, 'Wherefore art thou?')));
  for (const { proofs } of [...near.snapshot().streams, ...far.snapshot().streams])
    for (const { domain, prooftype } of proofs) console.log(`${scene}: ${domain} is proved by ${prooftype}`);
  console.log(
    `${scene}: ${delivery.outcome}${delivery.fault === undefined ? '' : `, ${faultSentence(delivery.fault)}`}`,
  );
  await Promise.all([near.stop(), far.stop()]);
}

await play('the key', montague);
await play('another certificate, the same key', renewed);
await play('another key', another);
