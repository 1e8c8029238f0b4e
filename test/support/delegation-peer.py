"""Another implementation of docs/delegation-proofs.md, for the tests: pyasn1 for ASN.1, cryptography for signatures.

Reads one JSON object from stdin, and writes one to stdout. Debian: python3-pyasn1-modules, python3-cryptography.
"""
import base64
import datetime
import hashlib
import json
import sys
import xml.etree.ElementTree as ElementTree

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from pyasn1.codec.der import decoder, encoder
from pyasn1.type import char, univ
from pyasn1_modules import rfc5280, rfc5652, rfc5755

ARC = "2.25.274196030801541905054497066850415908724"
SERVICES = {"xmpp-server": ARC + ".1", "xmpp-client": ARC + ".2"}
NAMESPACE = "urn:xmpp:dna:proof:xml-assertion"
CONTEXT = b" " * 64 + NAMESPACE.encode() + b"\0"
SHA256 = "2.16.840.1.101.3.4.2.1"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"


def decoded(octets, spec):
    value, rest = decoder.decode(octets, asn1Spec=spec)
    assert not rest, "octets behind the value"
    return value


def read_attribute_certificate(order):
    version, certificates, attribute_certificates = members_of(order["data"])
    assert version == 4 and len(attribute_certificates) == 1
    octets = b"\x30" + attribute_certificates[0][1:]
    certificate = decoded(octets, rfc5755.AttributeCertificate())
    info = certificate["acinfo"]
    issuer = encoder.encode(info["issuer"]["v2Form"]["issuerName"][0]["directoryName"]["rdnSequence"])
    signers = [x509.load_der_x509_certificate(der) for der in certificates]
    (signer,) = [c for c in signers if c.subject.public_bytes() == issuer]
    signer.public_key().verify(
        certificate["signatureValue"].asOctets(), encoder.encode(info), ec.ECDSA(hashes.SHA256())
    )
    attribute = info["attributes"][0]
    values = [str(decoded(bytes(value), char.IA5String())) for value in attribute["values"]]
    holder = info["holder"]["objectDigestInfo"]
    return {
        "attribute": str(attribute["type"]),
        "domains": values,
        "holderType": int(holder["digestedObjectType"]),
        "holder": holder["objectDigest"].asOctets().hex(),
        "notBefore": str(info["attrCertValidityPeriod"]["notBeforeTime"]),
        "notAfter": str(info["attrCertValidityPeriod"]["notAfterTime"]),
        "extensions": [str(extension["extnID"]) for extension in info["extensions"]],
        "signer": signer.subject.rfc4514_string(),
    }


def lengths(octets):
    """Octets of the header, and of the contents, of the first value."""
    first = octets[1]
    if first < 0x80:
        return 2, first
    count = first & 0x7F
    return 2 + count, int.from_bytes(octets[2 : 2 + count], "big")


def inside(octets):
    header, length = lengths(octets)
    rest, values = octets[header : header + length], []
    while rest:
        size = sum(lengths(rest))
        values.append(rest[:size])
        rest = rest[size:]
    return values


def members_of(data):
    info = decoded(base64.b64decode(data, validate=True), rfc5652.ContentInfo())
    assert info["contentType"] == rfc5652.id_signedData
    version, digests, content, certificate_set, signers = inside(bytes(info["content"]))
    assert digests == signers == b"\x31\x00"
    found = inside(certificate_set)
    return (
        int(decoded(version, univ.Integer())),
        [octets for octets in found if octets[0] == 0x30],
        [octets for octets in found if octets[0] == 0xA2],
    )


def explicit(number, octets):
    return wrapped(0xA0 | number, octets)


def wrapped(identifier, octets):
    size = len(octets)
    if size < 0x80:
        return bytes([identifier, size]) + octets
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([identifier, 0x80 | len(length)]) + length + octets


def ordered(order):
    chain = [x509.load_pem_x509_certificate(pem.encode()) for pem in order["chain"]]
    key = serialization.load_pem_private_key(order["key"].encode(), None)
    provider = hashlib.sha256(base64.b64decode(order["provider"])).digest()
    start = datetime.datetime.utcfromtimestamp(order["notBefore"])
    return chain, key, provider, start, start + datetime.timedelta(days=1)


def write_attribute_certificate(order):
    chain, key, provider, start, end = ordered(order)
    info = rfc5755.AttributeCertificateInfo()
    info["version"] = 1
    holder = info["holder"]["objectDigestInfo"]
    holder["digestedObjectType"] = 1
    holder["digestAlgorithm"]["algorithm"] = univ.ObjectIdentifier(SHA256)
    holder["objectDigest"] = univ.BitString.fromOctetString(provider)
    subject = decoded(chain[0].subject.public_bytes(), rfc5280.Name())
    name = rfc5280.GeneralName()
    name["directoryName"]["rdnSequence"] = subject["rdnSequence"]
    info["issuer"]["v2Form"]["issuerName"].append(name)
    info["signature"]["algorithm"] = univ.ObjectIdentifier(ECDSA_SHA256)
    info["serialNumber"] = 4711
    info["attrCertValidityPeriod"]["notBeforeTime"] = start.strftime("%Y%m%d%H%M%SZ")
    info["attrCertValidityPeriod"]["notAfterTime"] = end.strftime("%Y%m%d%H%M%SZ")
    attribute = rfc5280.Attribute()
    attribute["type"] = univ.ObjectIdentifier(SERVICES[order["service"]])
    attribute["values"].append(encoder.encode(char.IA5String(order["domain"])))
    info["attributes"].append(attribute)
    no_revocation = rfc5280.Extension()
    no_revocation["extnID"] = univ.ObjectIdentifier("2.5.29.56")
    no_revocation["extnValue"] = univ.OctetString(b"\x05\x00")
    info["extensions"].append(no_revocation)
    octets = encoder.encode(info)
    signature = key.sign(octets, ec.ECDSA(hashes.SHA256()))
    algorithm = encoder.encode(info["signature"])
    contents = octets + algorithm + wrapped(0x03, b"\0" + signature)
    ders = [certificate.public_bytes(serialization.Encoding.DER) for certificate in chain]
    everything = b"".join(sorted(ders + [explicit(2, contents)]))
    data = wrapped(0x30, encoder.encode(rfc5652.id_data))
    signed = encoder.encode(univ.Integer(4)) + b"\x31\x00" + data + explicit(0, everything) + b"\x31\x00"
    whole = encoder.encode(rfc5652.id_signedData) + explicit(0, wrapped(0x30, signed))
    return {"data": base64.encodebytes(wrapped(0x30, whole)).decode()}


def read_xml_assertion(order):
    root = ElementTree.fromstring(base64.b64decode(order["data"], validate=True))
    assert root.tag == "{%s}assertion" % NAMESPACE
    statement = base64.b64decode(root[0].text)
    assert root[1].get("algorithm") == "ES256"
    signature = base64.b64decode(root[1].text)
    signer = x509.load_der_x509_certificate(base64.b64decode(root[2].text))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    pair = utils.encode_dss_signature(r, s)
    signer.public_key().verify(pair, CONTEXT + statement, ec.ECDSA(hashes.SHA256()))
    delegation = ElementTree.fromstring(statement)
    return {
        **delegation.attrib,
        "provider": base64.b64decode(delegation[0].text).hex(),
        "type": delegation[0].get("type"),
        "signer": signer.subject.rfc4514_string(),
    }


def write_xml_assertion(order):
    chain, key, provider, start, end = ordered(order)
    ElementTree.register_namespace("d", NAMESPACE)
    named = lambda name: "{%s}%s" % (NAMESPACE, name)
    zulu = lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ")
    delegation = ElementTree.Element(
        named("delegation"),
        {
            "id": "python-1",
            "domain": order["domain"],
            "service": order["service"],
            "not-before": zulu(start),
            "not-after": zulu(end),
        },
    )
    child = ElementTree.SubElement(delegation, named("provider"), {"type": "certificate", "hash": "sha-256"})
    child.text = base64.b64encode(provider).decode()
    statement = ElementTree.tostring(delegation)
    pair = key.sign(CONTEXT + statement, ec.ECDSA(hashes.SHA256()))
    signature = b"".join(number.to_bytes(32, "big") for number in utils.decode_dss_signature(pair))
    root = ElementTree.Element(named("assertion"))
    ElementTree.SubElement(root, named("statement")).text = base64.encodebytes(statement).decode()
    ElementTree.SubElement(root, named("signature"), {"algorithm": "ES256"}).text = base64.b64encode(signature).decode()
    for certificate in chain:
        der = certificate.public_bytes(serialization.Encoding.DER)
        ElementTree.SubElement(root, named("certificate")).text = base64.encodebytes(der).decode()
    return {"data": base64.encodebytes(ElementTree.tostring(root)).decode()}


ORDERS = {
    "read attribute-cert": read_attribute_certificate,
    "write attribute-cert": write_attribute_certificate,
    "read xml-assertion": read_xml_assertion,
    "write xml-assertion": write_xml_assertion,
}

order = json.load(sys.stdin)
json.dump(ORDERS[order["do"]](order), sys.stdout)
