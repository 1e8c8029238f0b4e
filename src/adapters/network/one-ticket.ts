/**
 * One session ticket per full handshake, where OpenSSL sends two by default (TLS 1.3, RFC 8446 §4.6.1).
 *
 * Each ticket costs a server a few per cent of the handshake: the session is encoded with the client's certificate,
 * decoded, and encoded again (docs/adr/streams-and-pairs.md). A client resumes with the last ticket it received. Node
 * has no setter for the number of tickets; OpenSSL has one in its configuration.
 */
import { bindPrototypes, loadLibcrypto, type Pointer, scoped } from '../pkix/openssl.ts';

type Conf = Pointer<'CONF'>;

interface Configuring {
  readonly NCONF_new: (method: null) => Conf | null;
  readonly NCONF_free: (conf: Conf) => void;
  readonly NCONF_load_bio: (conf: Conf, bio: bigint, errorLine: null) => number;
  readonly CONF_modules_load: (conf: Conf, section: string, flags: number) => number;
}

const PROTOTYPES: Readonly<Record<keyof Configuring, string>> = {
  NCONF_new: 'void *NCONF_new(void *method)',
  NCONF_free: 'void NCONF_free(void *conf)',
  NCONF_load_bio: 'int NCONF_load_bio(void *conf, void *bio, void *errorLine)',
  CONF_modules_load: 'int CONF_modules_load(void *conf, const char *section, unsigned long flags)',
};

/** config(5) and SSL_CONF_cmd(3): settings for every SSL_CTX that is created from then on. */
const CONFIGURATION = Buffer.from(`
xmpp_dna = modules
[modules]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
NumTickets = 1
`);

/** Our configuration would replace the TLS defaults of an operator's own. */
const isConfigured = (): boolean =>
  process.env['OPENSSL_CONF'] !== undefined ||
  /--openssl[-_](shared[-_])?config/.test([...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' '));

/**
 * Affects the whole process, so only the owner of the process should call it, as `xmpp-dna serve` does; call it before
 * the first credential is used.
 * @returns false, with two tickets as before, when OpenSSL is configured otherwise or its functions are not exported
 */
export function sendOneTicket(): boolean {
  if (isConfigured()) return false;
  try {
    const [ssl, configuring] = [loadLibcrypto(), bindPrototypes<Configuring>(PROTOTYPES)];
    return scoped((own) => {
      const bio = own(ssl.BIO_new(ssl.BIO_s_mem()), ssl.BIO_free);
      const conf = own(configuring.NCONF_new(null), configuring.NCONF_free);
      ssl.BIO_write(bio, CONFIGURATION, CONFIGURATION.length);
      const isRead = configuring.NCONF_load_bio(conf, bio, null) === 1;
      const isDone = isRead && configuring.CONF_modules_load(conf, 'xmpp_dna', 0) === 1;
      ssl.ERR_clear_error();
      return isDone;
    });
  } catch {
    return false;
  }
}
