/** TCP: no address of the endpoint answers the SYN. */
import { silence } from './diagnosis.ts';

export const connectionSilent = silence({
  id: 'connection-silent',
  states: { initiatingStream: ['connecting'] },
  because: ({ where, lasting }) =>
    `${where} has not answered the connection attempt for ${lasting}, as if a firewall dropped it.`,
  fix: 'connection-filtered',
});
