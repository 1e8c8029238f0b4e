"""A real client (slixmpp, Debian's python3-slixmpp) for the interop tests, driven by lines of JSON.

In: {"to": JID, "body": TEXT} sends a message, {"ping": JID} sends a ping. Out: the events, one object per line.
"""
import asyncio
import json
import sys

import slixmpp


def tell(**event):
    print(json.dumps(event), flush=True)


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password, ca, mechanism):
        super().__init__(jid, password)
        self.ca_certs = ca
        self["feature_mechanisms"].use_mech = mechanism
        self.register_plugin("xep_0199")
        self.add_event_handler("session_start", self.start)
        self.add_event_handler("message", self.message)
        self.add_event_handler("message_error", self.message)
        self.add_event_handler("failed_auth", lambda answer: tell(event="refused", condition=answer["condition"]))
        self.add_event_handler("disconnected", lambda _: tell(event="disconnected"))

    async def start(self, _):
        await self.get_roster()
        self.send_presence()
        # A stream is ordered: when this is answered, the server has read our presence.
        await self["xep_0199"].send_ping(self.boundjid.host, timeout=10)
        sasl, session = self["feature_mechanisms"].mech, self.socket
        tell(event="online", jid=str(self.boundjid), mechanism=sasl.name, tls=session.version())

    def message(self, stanza):
        error = stanza["error"]["condition"] if stanza["type"] == "error" else None
        origin = {"from": str(stanza["from"]), "to": str(stanza["to"])}
        tell(event="message", **origin, type=stanza["type"], body=stanza["body"], error=error)

    async def obey(self):
        reader = asyncio.StreamReader()
        await self.loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            order = json.loads(line)
            if "ping" in order:
                self.loop.create_task(self.ping(order["ping"]))
            else:
                self.send_message(mto=order["to"], mbody=order["body"], mtype="chat")
        await self.disconnect(wait=2.0)

    async def ping(self, jid):
        try:
            answer = await self["xep_0199"].send_ping(jid, timeout=10)
            tell(event="pong", **{"from": str(answer["from"])})
        except slixmpp.exceptions.IqError as error:
            tell(event="no-pong", **{"from": str(error.iq["from"])}, error=error.condition)


def main():
    o = json.loads(sys.argv[1])
    client = Client(o["jid"], o["password"], o["ca"], o.get("mechanism"))
    client.connect(("127.0.0.1", o["port"]), use_ssl=o["direct"], force_starttls=not o["direct"])
    client.loop.run_until_complete(client.obey())


main()
