import { Resolver } from 'node:dns/promises';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isLoopbackAddress, isPublicAddress } from './public-address';

export type OutboundProblem = 'NO_PUBLIC_ADDRESS' | 'CONNECTION_FAILED' | 'TIMEOUT';

export type OutboundAnswer =
  | { readonly status: number; readonly retryAfterSeconds: number | undefined }
  | { readonly problem: OutboundProblem };

/** Every address of a name; rejects or answers none where it has none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>;

export interface OutboundOptions {
  readonly resolve: Resolve;
  /** localhost, 127.0.0.1 and [::1], as they are written: for development. Nothing else leads to this machine. */
  readonly allowLoopback: boolean;
  readonly timeoutMilliseconds: number;
  /** Stops waiting: the gateway ends. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks DNS servers itself: getaddrinfo would take names from /etc/hosts and search domains, and a slow name server would hold
 * one of the four threads that also serve files and cryptography.
 */
export const resolvePublicName: Resolve = async (hostname) => {
  const resolver = new Resolver({ timeout: 3_000, tries: 2 });
  const [v4, v6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
  return [v4, v6].flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
};

class NotPublic extends Error {}

const loopbackNames = new Set(['localhost', '127.0.0.1', '[::1]']);
/** Enough for a polite answer; what is beyond is not read. */
const mostAnswerBytes = 16_384;

/**
 * The addresses that may be called: all that the name has, or none where one of them is not public. A name with both kinds
 * is how somebody gets past a check that looks at another answer than the connection.
 */
async function addressesOf(hostname: string, { resolve, allowLoopback }: OutboundOptions): Promise<readonly string[]> {
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (loopbackNames.has(hostname)) {
    if (!allowLoopback) throw new NotPublic('loopback');
    return hostname === 'localhost' ? ['127.0.0.1', '::1'] : [bare];
  }
  const addresses = isIP(bare) ? [bare] : await resolve(hostname);
  if (addresses.length === 0 || !addresses.every(isPublicAddress)) throw new NotPublic('not public');
  return addresses;
}

/** What the connection itself asks; it gets the addresses that were judged, and no second question is put to DNS. */
function lookupIn(addresses: readonly string[]): LookupFunction {
  const entries = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    if (options.all) callback(null, entries);
    else callback(null, entries[0]!.address, entries[0]!.family);
  };
}

function retryAfterOf(response: IncomingMessage): number | undefined {
  const text = response.headers['retry-after'];
  return text && /^[0-9]{1,9}$/.test(text) ? Number(text) : undefined;
}

/** Settles when the head of the answer is there, and reads on so long that a short body does not break off. */
function send(request: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve);
    // Stays for what happens after the answer: an error that nobody hears ends the process.
    request.on('error', reject);
    request.end(body);
  });
}

function drain(response: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > mostAnswerBytes) response.destroy();
    });
    response.on('error', () => undefined);
    response.once('close', resolve);
  });
}

/**
 * Posts a text to an address that somebody else has chosen. Connects to public addresses only, as judged on the very
 * connection; follows no redirect; waits for a bounded time and reads a bounded answer, of which only the status is told.
 */
export async function postOutbound(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  options: OutboundOptions,
): Promise<OutboundAnswer> {
  const deadline = AbortSignal.timeout(options.timeoutMilliseconds);
  const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
  let answer: OutboundAnswer | undefined;
  try {
    const { protocol, hostname, port, pathname, search } = new URL(url);
    if (protocol !== 'https:' && !(options.allowLoopback && loopbackNames.has(hostname))) {
      return { problem: 'NO_PUBLIC_ADDRESS' };
    }
    const aborted = new Promise<never>((_resolve, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    );
    aborted.catch(() => undefined);
    const addresses = await Promise.race([addressesOf(hostname, options), aborted]);
    const call = protocol === 'https:' ? httpsRequest : httpRequest;
    const request = call({
      ...{ hostname: hostname.replace(/^\[|\]$/g, ''), port, path: `${pathname}${search}`, method: 'POST' },
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      lookup: lookupIn(addresses),
      // A connection of its own: no pool in which an older one waits that was judged by other rules.
      agent: false,
      maxHeaderSize: 16_384,
      signal,
    });
    // An address is connected to without a lookup; what was connected to is judged once more before anything is written.
    request.once('socket', (socket) =>
      socket.once('connect', () => {
        const { remoteAddress = '' } = socket;
        if (!isPublicAddress(remoteAddress) && !(options.allowLoopback && isLoopbackAddress(remoteAddress))) {
          socket.destroy(new NotPublic('not public'));
        }
      }),
    );
    const response = await send(request, body);
    answer = { status: response.statusCode ?? 0, retryAfterSeconds: retryAfterOf(response) };
    await drain(response);
    return answer;
  } catch (error) {
    if (answer) return answer;
    if (error instanceof NotPublic) return { problem: 'NO_PUBLIC_ADDRESS' };
    return { problem: deadline.aborted ? 'TIMEOUT' : 'CONNECTION_FAILED' };
  }
}
