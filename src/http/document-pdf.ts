import { join } from 'node:path';
import PDFDocument from 'pdfkit';
import type { PrintableDocument } from './printable-document';

const fontsFolder = join(__dirname, 'fonts');

/**
 * A font as it was read. PDFKit takes it in place of a file, and reading it anew is three quarters of the work on a short
 * document.
 */
function readFont(file: string): Buffer {
  const { _font } = new PDFDocument().font(join(fontsFolder, file)) as unknown as { _font: { font: Buffer } };
  return _font.font;
}

let fonts: { readonly regular: Buffer; readonly bold: Buffer } | undefined;
/** The fonts that PDF readers bring know no ł, ₹ or Ж: these come along, and only the letters that are used go in. */
const fontsOnce = () => {
  fonts ??= { regular: readFont('DejaVuSansCondensed.ttf'), bold: readFont('DejaVuSansCondensed-Bold.ttf') };
  return fonts;
};

const ink = '#1a1f2b';
const faint = '#667085';
const rule = '#d0d5dd';
const margin = 56;
const letterCountries = new Set(['US', 'CA', 'MX']);

/**
 * The paper of a document. The same document gives the same bytes: no clock, no random id; its dates are those of the issue.
 * A letter that the font lacks becomes an empty box, never an error.
 */
export function documentPdf(view: PrintableDocument): Promise<Buffer> {
  const pdf = new PDFDocument({
    size: letterCountries.has(view.seller.country ?? '') ? 'LETTER' : 'A4',
    margins: { top: margin, left: margin, right: margin, bottom: margin + 24 },
    bufferPages: true,
    lang: 'en',
    displayTitle: true,
    info: {
      Title: `${view.title} ${view.number}`,
      Author: view.seller.name,
      Producer: 'Tollgate',
      Creator: 'Tollgate',
      CreationDate: new Date(view.issuedAt),
      ModDate: new Date(view.issuedAt),
    },
  });
  const parts: Buffer[] = [];
  const whole = new Promise<Buffer>((resolve, reject) => {
    pdf.on('data', (part: Buffer) => parts.push(part));
    pdf.on('end', () => resolve(Buffer.concat(parts)));
    pdf.on('error', reject);
  });
  pdf.registerFont('regular', fontsOnce().regular);
  pdf.registerFont('bold', fontsOnce().bold);
  const width = pdf.page.width - 2 * margin;
  const right = margin + width;
  const bottom = () => pdf.page.height - margin - 24;

  const text = (
    words: string,
    x: number,
    y: number,
    options: { width: number; size?: number; strong?: boolean; color?: string; align?: 'left' | 'right' },
  ): number => {
    pdf
      .font(options.strong ? 'bold' : 'regular')
      .fontSize(options.size ?? 9)
      .fillColor(options.color ?? ink);
    const height = pdf.heightOfString(words, { width: options.width });
    pdf.text(words, x, y, { width: options.width, align: options.align ?? 'left', lineBreak: true });
    return height;
  };
  const line = (y: number, color = rule, weight = 0.5) =>
    pdf.moveTo(margin, y).lineTo(right, y).lineWidth(weight).strokeColor(color).stroke();

  // Who, what, when.
  const sellerHeight = text(view.seller.name, margin, margin, { width: width * 0.5 - 12, size: 12, strong: true });
  text(view.title, margin + width * 0.5, margin - 4, { width: width * 0.5, size: 20, strong: true, align: 'right' });
  const facts: [string, string][] = [
    ['Number', view.number],
    ['Date', view.issuedOn],
    ...(view.dueOn ? ([['Due', view.dueOn]] as [string, string][]) : []),
    ...(view.period ? ([['Period', view.period]] as [string, string][]) : []),
  ];
  let factsY = margin + 30;
  for (const [label, value] of facts) {
    text(label, margin + width * 0.5, factsY, { width: width * 0.25 - 8, color: faint, align: 'right' });
    factsY += text(value, margin + width * 0.75, factsY, { width: width * 0.25, align: 'right' }) + 3;
  }
  let y = margin + sellerHeight + 5;
  for (const words of view.seller.lines) {
    y += text(words, margin, y, { width: width * 0.5 - 12, color: faint }) + 2;
  }
  y = Math.max(y, factsY) + 22;
  text('Billed to', margin, y, { width, size: 8, color: faint });
  y += 13;
  y += text(view.buyer.name, margin, y, { width: width * 0.6, size: 10, strong: true }) + 3;
  for (const words of view.buyer.lines) y += text(words, margin, y, { width: width * 0.6 }) + 2;
  y += 24;

  // The lines: what, when, how many, tax, how much.
  const columns = {
    what: { x: margin, width: width * 0.4 },
    when: { x: margin + width * 0.42, width: width * 0.22 },
    many: { x: margin + width * 0.64, width: width * 0.1 },
    tax: { x: margin + width * 0.745, width: width * 0.085 },
    amount: { x: margin + width * 0.83, width: width * 0.17 },
  };
  const header = () => {
    const small = { size: 8, color: faint } as const;
    text('Description', columns.what.x, y, { ...small, width: columns.what.width });
    text('Period', columns.when.x, y, { ...small, width: columns.when.width });
    text('Quantity', columns.many.x, y, { ...small, width: columns.many.width, align: 'right' });
    text('Tax', columns.tax.x, y, { ...small, width: columns.tax.width, align: 'right' });
    text(`Amount ${view.currency}`, columns.amount.x, y, { ...small, width: columns.amount.width, align: 'right' });
    y += 14;
    line(y, ink, 0.8);
    y += 7;
  };
  const roomFor = (height: number, again: () => void = () => undefined) => {
    if (y + height <= bottom()) return;
    pdf.addPage();
    y = margin;
    again();
  };
  roomFor(60);
  header();
  for (const row of view.rows) {
    pdf.font('regular').fontSize(9);
    const needed = pdf.heightOfString(row.description, { width: columns.what.width });
    // A description is at most some lines long; one that fills a page would be printed over its end.
    const height = Math.min(Math.max(needed, 12), 200);
    roomFor(height + 8, header);
    pdf.font('regular').fontSize(9).fillColor(ink);
    pdf.text(row.description, columns.what.x, y, { width: columns.what.width, height, ellipsis: true });
    const { period, quantity, tax, amount } = row;
    if (period) text(period, columns.when.x, y, { width: columns.when.width, size: 8, color: faint });
    if (quantity) text(quantity, columns.many.x, y, { width: columns.many.width, align: 'right' });
    if (tax) text(tax, columns.tax.x, y, { width: columns.tax.width, align: 'right' });
    text(amount, columns.amount.x, y, { width: columns.amount.width, align: 'right' });
    y += height + 4;
    line(y);
    y += 4;
  }

  // The sums, kept together.
  const sums = { x: margin + width * 0.45, width: width * 0.55 };
  roomFor(view.totals.length * 16 + 30);
  y += 8;
  for (const [index, { label, amount }] of view.totals.entries()) {
    const last = index === view.totals.length - 1;
    if (last) {
      pdf
        .moveTo(sums.x, y + 2)
        .lineTo(right, y + 2)
        .lineWidth(0.8)
        .strokeColor(ink)
        .stroke();
      y += 8;
    }
    const style = last ? ({ size: 11, strong: true } as const) : {};
    const height = text(label, sums.x, y, { width: sums.width * 0.62, ...style });
    text(last ? `${amount} ${view.currency}` : amount, sums.x + sums.width * 0.5, y, {
      ...style,
      width: sums.width * 0.5,
      align: 'right',
    });
    y += height + 5;
  }
  y += 18;
  for (const note of view.notes) {
    pdf.font('regular').fontSize(9);
    const height = Math.min(pdf.heightOfString(note, { width: width * 0.75 }), 300);
    roomFor(height);
    pdf.fillColor(ink).text(note, margin, y, { width: width * 0.75, height, ellipsis: true });
    y += height + 5;
  }

  // What stands on every page.
  const { start, count } = pdf.bufferedPageRange();
  for (let page = start; page < start + count; page += 1) {
    pdf.switchToPage(page);
    if (view.stamp === 'VOID') {
      pdf.save();
      pdf.rotate(-32, { origin: [pdf.page.width / 2, pdf.page.height / 2] });
      pdf.font('bold').fontSize(150).fillColor('#b42318').fillOpacity(0.1);
      pdf.text('VOID', 0, pdf.page.height / 2 - 90, { width: pdf.page.width, align: 'center', lineBreak: false });
      pdf.restore();
      pdf.fillOpacity(1);
    }
    // Below the margin: text there would begin a page of its own.
    const { bottom: below } = pdf.page.margins;
    pdf.page.margins.bottom = 0;
    const footer = pdf.page.height - margin;
    const style = { size: 8, color: faint } as const;
    text(`${view.title} ${view.number}`, margin, footer, { ...style, width: width * 0.7 });
    text(`${page + 1} / ${count}`, margin + width * 0.7, footer, { ...style, width: width * 0.3, align: 'right' });
    pdf.page.margins.bottom = below;
  }
  pdf.end();
  return whole;
}
