import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders & Record<string, string>;
  readonly body: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever was sent.
  readonly event: any;
}

/** A real HTTP server on this machine that keeps what it got; `answer` decides, 204 where it does nothing. */
export class Receiver {
  readonly received: Received[] = [];
  private readonly server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const one = {
        path: request.url!,
        headers: request.headers as Received['headers'],
        body,
        event: JSON.parse(body),
      };
      this.received.push(one);
      await this.answer(one, response);
      if (!response.headersSent) response.writeHead(204).end();
    });
  });
  answer: (received: Received, response: ServerResponse) => void | Promise<void> = () => undefined;

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  url(path = '/'): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}${path}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
