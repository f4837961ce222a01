// Receives webhooks: WEBHOOK_SECRET=whsec_… PORT=8080 node docs/examples/receive-webhooks.mjs
import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

const webhook = new Webhook(process.env.WEBHOOK_SECRET);
/** In your product: a table with a unique key, written in the transaction of what the event changes. */
const seen = new Set();

function handle(event) {
  console.log(`${event.sequence ?? '-'} ${event.type} ${JSON.stringify(event.data)}`);
}

const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  let event;
  try {
    // Over the bytes as they came: JSON that was parsed and written again is another text.
    event = webhook.verify(body, request.headers);
  } catch {
    response.writeHead(401).end();
    return;
  }
  // The same event may come again, and events come in any order: the id tells repetitions apart, `sequence` is the order.
  if (!seen.has(event.id)) {
    seen.add(event.id);
    handle(event);
  }
  // At once: what takes long is done afterwards. Anything but 2xx, or nothing within 15 s, and it comes again later.
  response.writeHead(204).end();
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
