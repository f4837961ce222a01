// Baseline of recording usage: COPY of the same rows into a table like that of the events, by as many connections, in as
// large pieces. No identity, no tenancy, no repeats found, nothing added up: what it costs to keep rows at all.
import { createRequire } from 'node:module';

const { Client } = createRequire(import.meta.url)('pg');
const { url, connections, batch, tenantId, partnerId } = JSON.parse(process.argv[2]);

/** pg speaks the protocol of COPY and leaves the data to whoever asks. */
class Copy {
  constructor(text, rows, done) {
    Object.assign(this, { text, rows, done });
  }
  submit(connection) {
    connection.query(this.text);
  }
  handleCopyInResponse(connection) {
    connection.sendCopyFromChunk(this.rows);
    connection.endCopyFrom();
  }
  handleError(error) {
    this.done(error);
  }
  handleReadyForQuery() {
    this.done();
  }
  handleCommandComplete() {}
}

let serial = 0;
const base = Date.parse('2025-12-21T14:59:59Z');
function rowsOf(count) {
  let rows = '';
  for (let n = 0; n < count; n += 1) {
    serial += 1;
    const at = new Date(base - (serial % 3_600_000)).toISOString();
    rows += `${tenantId}\t${at}\tevent-${serial}\t/bench\t${partnerId}\tapi_calls\t\\N\t1\t{"region":"eu"}\t2026-01-01T00:00:00Z\n`;
  }
  return Buffer.from(rows);
}

const clients = [];
for (let n = 0; n < connections; n += 1) {
  const client = new Client({ connectionString: url });
  await client.connect();
  clients.push(client);
}

async function load(seconds) {
  await clients[0].query('truncate bench_events');
  const until = performance.now() + seconds * 1_000;
  let rows = 0;
  const started = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < until) {
        const piece = rowsOf(batch);
        await new Promise((done, failed) => {
          client.query(new Copy('copy bench_events from stdin', piece, (error) => (error ? failed(error) : done())));
        });
        rows += batch;
      }
    }),
  );
  return rows / ((performance.now() - started) / 1_000);
}

process.on('message', async ({ seconds }) => process.send({ rate: await load(seconds) }));
process.send({ url: 'copy' });
