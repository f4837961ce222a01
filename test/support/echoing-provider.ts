import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How the provider answers. `undefined`: as the stand-in behind it does. */
export type Echo =
  | { readonly status: number; readonly type: string }
  /** A page of a proxy in between. */
  | 'HTML';

/**
 * Stands in front of a provider's stand-in and, when it is told to, answers errors in which everything that it was sent stands
 * again: the key, the idempotency key, the body, and whatever else it is given to say. Providers and proxies have done all of that.
 */
export class EchoingProvider {
  echo: Echo | undefined;
  /** How many errors were answered. */
  told = 0;
  url = '';

  private constructor(
    private readonly behind: string,
    private readonly says: () => string,
    private readonly shape: (type: string, code: string, words: string) => object,
  ) {}

  static async before(
    behind: string,
    says: () => string,
    shape: (type: string, code: string, words: string) => object,
  ): Promise<EchoingProvider> {
    const provider = new EchoingProvider(behind, says, shape);
    await new Promise<void>((resolve) => provider.server.listen(0, '127.0.0.1', resolve));
    provider.url = `http://127.0.0.1:${(provider.server.address() as AddressInfo).port}`;
    return provider;
  }

  private readonly server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const { echo } = this;
    if (!echo) {
      const answer = await this.forward(request, body);
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
      return response.end(await answer.text());
    }
    this.told += 1;
    const secret = String(request.headers.authorization).replace(/^bearer /i, '');
    const words = `${this.says()} ${JSON.stringify(request.headers)} ${body}`;
    if (echo === 'HTML') {
      response.writeHead(502, { 'content-type': 'text/html' });
      return response.end(`<html><body>${words}</body></html>`);
    }
    const headers = { 'content-type': 'application/json', 'request-id': secret, 'x-echo': secret };
    response.writeHead(echo.status, headers);
    response.end(JSON.stringify(this.shape(echo.type, secret, words)));
  });

  private forward({ method, url, headers }: IncomingMessage, body: Buffer): Promise<Response> {
    const kept = ['authorization', 'content-type', 'idempotency-key', 'stripe-version'];
    const passed = Object.fromEntries(kept.flatMap((name) => (headers[name] ? [[name, String(headers[name])]] : [])));
    return fetch(`${this.behind}${url}`, { method: method!, headers: passed, ...(body.length > 0 && { body }) });
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

export const stripeError = (type: string, code: string, message: string) => ({
  error: { type, code, message, param: code, decline_code: code, doc_url: `https://stripe.example/${code}` },
});

export const paddleError = (type: string, code: string, detail: string) => ({
  error: {
    type,
    code,
    detail,
    documentation_url: `https://paddle.example/${code}`,
    errors: [{ field: code, message: detail }],
  },
  meta: { request_id: code },
});
