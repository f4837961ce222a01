import { createServer, type Server, type Socket } from 'node:net';

const message = (type: string, ...parts: readonly Buffer[]) => {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const short = (value: number) => {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
};
const long = (value: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
};
const text = (value: string) => Buffer.from(`${value}\0`);
const ready = message('Z', Buffer.from('I'));
/** One row with one text column. */
const answer = (value: string) => [
  message('T', short(1), text('server_version_num'), long(0), short(0), long(25), short(-1), long(-1), short(0)),
  message('D', short(1), long(value.length), Buffer.from(value)),
  message('C', text('SELECT 1')),
];

/** What a PostgreSQL 14 says to whoever asks it anything: all that a gateway needs to see that it is too old. */
export async function startOldPostgres(): Promise<{ url: string; stop(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    let started = false;
    let waiting = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk]);
      if (!started) {
        started = true;
        waiting = Buffer.alloc(0);
        socket.write(Buffer.concat([message('R', long(0)), ready]));
        return;
      }
      while (waiting.length >= 5 && waiting.length > waiting.readInt32BE(1)) {
        const [type, end] = [String.fromCharCode(waiting[0]!), 1 + waiting.readInt32BE(1)];
        waiting = waiting.subarray(end);
        if (type === 'P') socket.write(message('1'));
        if (type === 'B') socket.write(message('2'));
        if (type === 'E') socket.write(Buffer.concat(answer('140010').slice(1)));
        if (type === 'D') socket.write(answer('140010')[0]!);
        if (type === 'S') socket.write(ready);
        if (type === 'Q') socket.write(Buffer.concat([...answer('140010'), ready]));
        if (type === 'X') socket.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `postgresql://owner:secret@127.0.0.1:${port}/tollgate`,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
