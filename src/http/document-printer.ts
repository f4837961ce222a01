import { extname, join } from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import type { Actor } from '../access/actor';
import type { App } from '../app';
import type { Gone } from '../platform/fair-queue';
import type { PrintableDocument } from './printable-document';

/** Longer than the longest document takes on a busy machine. */
const printMilliseconds = 30_000;

/**
 * Prints documents as PDF. Printing is nothing but calculating, some ten milliseconds of it for a short document, so it has
 * a thread of its own: requests are answered meanwhile. Who prints takes a place in the fair queue first, and there is one.
 */
export class DocumentPrinter {
  private worker: Worker | undefined;

  constructor(
    private readonly app: Pick<App, 'admission'>,
    private readonly options: WorkerOptions = {},
  ) {}

  /** @throws Crowded */
  async print(document: PrintableDocument, actor: Actor, gone?: Gone): Promise<Buffer> {
    const leave = await this.app.admission.print(actor, gone);
    try {
      return await this.printNow(document);
    } finally {
      leave();
    }
  }

  private printNow(document: PrintableDocument): Promise<Buffer> {
    const worker = this.workerNow();
    return new Promise<Buffer>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        worker.off('message', answer).off('error', fail).off('exit', exited);
      };
      // A thread that has ended, or that does not end a document, is replaced for the next one.
      const fail = (error: Error) => {
        end();
        if (this.worker === worker) this.worker = undefined;
        void worker.terminate();
        reject(error);
      };
      const exited = () => fail(new Error('the printer ended'));
      const answer = ({ pdf, error }: { readonly pdf?: Uint8Array; readonly error?: string }) => {
        end();
        if (pdf) resolve(Buffer.from(pdf.buffer, pdf.byteOffset, pdf.byteLength));
        else reject(new Error(`a document cannot be printed: ${error}`));
      };
      const timer = setTimeout(() => fail(new Error('a document takes too long to print')), printMilliseconds);
      worker.on('message', answer).on('error', fail).on('exit', exited);
      worker.postMessage(document);
    });
  }

  private workerNow(): Worker {
    if (!this.worker) {
      const file = join(__dirname, `document-printer-thread${extname(__filename)}`);
      this.worker = new Worker(file, { resourceLimits: { maxOldGenerationSizeMb: 256 }, ...this.options });
      // An idle thread keeps no process alive; a failure between two documents is met by the next one.
      this.worker.unref();
      this.worker.on('error', () => undefined);
    }
    return this.worker;
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
  }
}
