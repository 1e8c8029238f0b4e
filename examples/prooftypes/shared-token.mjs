/**
 * Two operators share a secret, and prove their domains to each other by tokens made with it, over the DNA protocol of
 * 2009. Then a stranger shows a token that it has seen.
 *
 *     node examples/prooftypes/shared-token.mjs
 */
import { randomBytes } from 'node:crypto';
import { ConnectionManager, createCertificateAuthority, createNodePorts, faultSentence, xml } from 'xmpp-dna';
import { SHARED_TOKEN, sharedToken, tokensFor } from './shared-token.prooftype.mjs';

const DAY_MS = 86_400_000;
const selfMade = createCertificateAuthority({ name: 'Whoever' });
const capulet = selfMade.issue({ dnsNames: ['localhost'] });
const montague = selfMade.issue({ dnsNames: ['localhost'] });
const stranger = selfMade.issue({ dnsNames: ['localhost'] });

const secret = randomBytes(32);
const prooftypes = {
  [SHARED_TOKEN]: sharedToken(
    new Map([
      ['capulet.example', secret],
      ['montague.example', secret],
    ]),
  ),
};
/** In production, new tokens are made each day and given to `setProofs`. */
const showing = (domain, { cert }) => ({
  [domain]: { [SHARED_TOKEN]: tokensFor(secret, domain, [cert], Date.now() + DAY_MS) },
});

/** Juliet writes to a montague.example that presents this certificate and these tokens. */
async function play(scene, certificate, proofs) {
  const theirs = { 'montague.example': certificate };
  const far = new ConnectionManager(
    {
      hosts: theirs,
      listen: [{ address: '127.0.0.1', port: 0, tls: 'detect' }],
      policy: { prooftypes: [SHARED_TOKEN] },
      prooftypes,
      proofs,
    },
    createNodePorts({ hosts: theirs }),
  );
  await far.start();
  const target = { host: '127.0.0.1', port: far.listening[0].port, tls: 'direct' };
  const ours = { 'capulet.example': capulet };
  const near = new ConnectionManager(
    {
      hosts: ours,
      policy: { domains: { 'montague.example': { target, prooftypes: [SHARED_TOKEN] } } },
      prooftypes,
      proofs: showing('capulet.example', capulet),
    },
    createNodePorts({ hosts: ours }),
  );
  await near.start();
  const addresses = { from: 'juliet@capulet.example', to: 'romeo@montague.example' };
  const delivery = await near.send(xml('message', addresses, xml('body', {}, 'Wherefore art thou?')));
  for (const { proofs: found } of [...near.snapshot().streams, ...far.snapshot().streams])
    for (const { domain, prooftype } of found) console.log(`${scene}: ${domain} is proved by ${prooftype}`);
  console.log(
    `${scene}: ${delivery.outcome}${delivery.fault === undefined ? '' : `, ${faultSentence(delivery.fault)}`}`,
  );
  await Promise.all([near.stop(), far.stop()]);
}

await play('the token', montague, showing('montague.example', montague));
await play('the token, replayed', stranger, showing('montague.example', montague));
