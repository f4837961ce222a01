import { parentPort } from 'node:worker_threads';
import { documentPdf } from './document-pdf';
import type { PrintableDocument } from './printable-document';

/** The thread that prints: takes one document, answers its bytes, takes the next. */
parentPort?.on('message', (document: PrintableDocument) => {
  documentPdf(document).then(
    (pdf) => parentPort?.postMessage({ pdf }),
    (error: Error) => parentPort?.postMessage({ error: error.message }),
  );
});
