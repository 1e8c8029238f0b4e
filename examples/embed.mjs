import { ConnectionManager, createCertificateAuthority, createNodePorts, xml } from 'xmpp-dna';

// Both ends in one process. In production the other end is somebody else's server, and a public authority signs.
const authority = createCertificateAuthority({ name: 'Authority of Verona' });
const ours = { 'capulet.example': authority.issue({ dnsNames: ['capulet.example'] }) };
const theirs = { 'montague.example': authority.issue({ dnsNames: ['montague.example'] }) };

const montague = new ConnectionManager(
  { hosts: theirs, listen: [{ address: '127.0.0.1', port: 15269, tls: 'detect' }] },
  createNodePorts({ hosts: theirs, trust: { anchors: [authority.certPem] } }),
);
const ports = createNodePorts({ hosts: ours, trust: { anchors: [authority.certPem] } });
const capulet = new ConnectionManager(
  // Without a target like this one, DNS says where a domain is served.
  { hosts: ours, policy: { domains: { '*.example': { target: { host: '127.0.0.1', port: 15269, tls: 'direct' } } } } },
  ports,
);
montague.stanzas$.subscribe((stanza) => console.log(`${stanza.from}: ${stanza.element.getChildText('body')}`));
await Promise.all([montague.start(), capulet.start()]);

const addresses = { from: 'juliet@capulet.example/balcony', to: 'romeo@montague.example' };
const delivery = await capulet.send(xml('message', addresses, xml('body', {}, 'Wherefore art thou?')));
console.log(delivery.outcome, capulet.snapshot().streams);
await Promise.all([capulet.stop(), montague.stop()]);
ports.close(); // frees what native libraries hold; only after the manager has stopped
