import { join } from 'node:path';
import { Admission } from '../../src/admission';
import { DocumentPrinter } from '../../src/http/document-printer';
import { printableDocument } from '../../src/http/printable-document';
import { plain } from './document-samples';

const actor = { principalId: 'somebody', account: { kind: 'PLATFORM' }, role: 'SUPER_ADMIN' } as const;
const document = printableDocument(plain);
const execArgv = ['--require', join(__dirname, '..', 'support', 'typescript.cjs')];

test('a thread that ends in the middle of a document fails that one, and the next has another thread', async () => {
  const printer = new DocumentPrinter({ admission: new Admission(20) }, { execArgv });
  const first = await printer.print(document, actor);
  const broken = printer.print(document, actor);
  const waiting = printer.print(document, actor);
  // The first is on its way to the thread once its turn has come.
  const ended = Promise.resolve().then(() => printer.close());
  await expect(broken).rejects.toThrow('the printer ended');
  await ended;
  expect((await waiting).equals(first)).toBe(true);
  await printer.close();
});

test('a document that needs more memory than a printer has fails alone', async () => {
  const printer = new DocumentPrinter(
    { admission: new Admission(20) },
    { execArgv, resourceLimits: { maxOldGenerationSizeMb: 64 } },
  );
  const row = { ...document.rows[0]!, description: 'a long description of what was bought '.repeat(4) };
  const huge = { ...document, rows: Array.from({ length: 100_000 }, () => row) };
  await expect(printer.print(huge, actor)).rejects.toThrow(/memory/);
  expect((await printer.print(document, actor)).subarray(0, 5).toString()).toBe('%PDF-');
  await printer.close();
});
