import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Actor, may } from '../access/actor';
import type { App } from '../app';
import { decodeId } from '../core/ids';
import { unauthenticated } from '../graphql/errors';
import { documentTicketFrom } from '../invoicing/document-ticket';
import { documentView } from '../invoicing/document-view.query';
import { documentCsv } from './document-csv';
import type { DocumentPrinter } from './document-printer';
import { goneOf } from './gone';
import { printableDocument } from './printable-document';
import { refusalBody, refuseRate } from './refusal';

const kinds = { invoices: 'Invoice', 'credit-notes': 'CreditNote' } as const;
const types = { pdf: 'application/pdf', csv: 'text/csv; charset=utf-8' } as const;

interface Refused {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}
const notFound: Refused = { status: 404, code: 'BAD_REQUEST', message: 'There is nothing here.' };
const unknown: Refused = { status: 401, code: 'UNAUTHENTICATED', message: unauthenticated };
const expired: Refused = {
  status: 401,
  code: 'UNAUTHENTICATED',
  message: 'The link does not hold any more: ask anew.',
};

/**
 * GET /invoices/<id>.pdf, .csv and /credit-notes/<id>.pdf, .csv: with a bearer token, or with the short-lived ticket of an
 * API field in the query, which lets its bearer see this one document as whoever asked for it. Missing and somebody else's
 * look the same.
 */
export function registerDocumentRoute(fastify: FastifyInstance, app: App, printer: DocumentPrinter): void {
  async function whoAsks(request: FastifyRequest, id: string): Promise<Actor | Refused> {
    const { ticket } = request.query as { ticket?: unknown };
    if (typeof ticket === 'string') {
      const text = await app.signer.verify(ticket);
      const found = text === undefined ? undefined : documentTicketFrom(text);
      return found && found.id === id && app.clock.now().epochMilliseconds < found.expiresAt.epochMilliseconds
        ? found.actor
        : expired;
    }
    const account = request.headers['tollgate-account'];
    const authentication = await app.authenticate(
      request.headers.authorization,
      typeof account === 'string' ? account : undefined,
    );
    return authentication.outcome === 'ACTOR' ? authentication.actor : unknown;
  }

  async function answer(kind: keyof typeof kinds, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { file: name } = request.params as { file: string };
    const refuse = ({ status, code, message }: Refused) => {
      return reply.status(status).send(refusalBody(code, message, request.id));
    };
    const match = /^([a-z]{1,20}_[0-9a-z]{1,60})\.(pdf|csv)$/.exec(name);
    if (!match || decodeId(match[1]!)?.kind !== kinds[kind]) return refuse(notFound);
    const [, id, format] = match as unknown as [string, string, keyof typeof types];
    const actor = await whoAsks(request, id);
    if ('status' in actor) return refuse(actor);
    if (!may(actor, 'TENANT_READ')) return refuse(notFound);
    const seconds = await app.rateLimits.document(actor);
    if (seconds !== undefined) return refuseRate(seconds, request, reply);
    const gone = goneOf(reply);
    const open = await app.openRead(actor, gone);
    if (!open) return refuse('ticket' in (request.query as object) ? expired : unknown);
    // Read first, then print: no connection waits for a printer.
    const view = await documentView(open.tx, id).finally(() => open.end());
    if (!view) return refuse(notFound);
    const file = format === 'pdf' ? await printer.print(printableDocument(view), actor, gone) : documentCsv(view);
    return reply
      .header('content-type', types[format])
      .header('content-disposition', `inline; filename="${view.number.replaceAll(/[^A-Za-z0-9._-]/g, '_')}.${format}"`)
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox")
      .header('referrer-policy', 'no-referrer')
      .header('cache-control', 'private, no-store')
      .send(file);
  }

  for (const kind of Object.keys(kinds) as (keyof typeof kinds)[]) {
    fastify.get(`/${kind}/:file`, { config: { query: { ticket: 'TEXT' } } }, (request, reply) =>
      answer(kind, request, reply),
    );
  }
}
