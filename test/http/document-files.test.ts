import { documentCsv } from '../../src/http/document-csv';
import { documentPdf } from '../../src/http/document-pdf';
import { printableDocument } from '../../src/http/printable-document';
import type { DocumentView } from '../../src/invoicing/document-view';
import { hostileTexts, plain, sampleViews } from './document-samples';

/** As a spreadsheet reads it: RFC 4180. */
function cellsOf(csv: string): string[][] {
  const rows: string[][] = [[]];
  const pattern = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|$)/g;
  let match = pattern.exec(csv);
  while (match && match.index < csv.length) {
    rows.at(-1)!.push(match[1] === undefined ? match[2]! : match[1].replaceAll('""', '"'));
    if (match[3] === '\r\n') rows.push([]);
    match = pattern.exec(csv);
  }
  return rows.slice(0, -1);
}

const printed = (view: DocumentView) => documentPdf(printableDocument(view));
const pagesOf = (pdf: Buffer) => pdf.toString('latin1').match(/\/Type \/Page\b(?!s)/g)?.length;

describe('PDF', () => {
  test.each(Object.keys(sampleViews()))('%s: the same bytes for the same document', async (name) => {
    const first = await printed(sampleViews()[name]!);
    expect(first.subarray(0, 5).toString()).toBe('%PDF-');
    expect(first.subarray(-6).toString()).toContain('%%EOF');
    expect((await printed(sampleViews()[name]!)).equals(first)).toBe(true);
  });

  test('long ones go on over as many pages as they need, short ones are one page', async () => {
    expect(pagesOf(await printed(plain))).toBe(1);
    expect(pagesOf(await printed(sampleViews()['long']!))).toBe(5);
    const row = plain.rows[0]!;
    // Every length: nothing begins a page for a footer, and none is left out.
    const counts: number[] = [];
    for (let length = 1; length <= 80; length += 1) {
      counts.push(pagesOf(await printed({ ...plain, rows: Array.from({ length }, () => row) }))!);
    }
    expect(counts).toEqual([...counts].sort((first, second) => first - second));
    expect(counts.at(-1)).toBeLessThanOrEqual(4);
  });

  test('names that end a string or an object of a PDF stay text', async () => {
    const pdf = (
      await printed({ ...plain, number: 'A) >> endobj 1 0 obj << /S /JavaScript /JS (app.alert(1)) >>' })
    ).toString('latin1');
    // Titles are strings of UTF-16 or have their brackets escaped: no action was made of one.
    expect(pdf).not.toMatch(/[^\\]\) >> endobj 1 0 obj/);
  });
});

describe('CSV', () => {
  const rows = cellsOf(documentCsv(sampleViews()['hostile']!).toString('utf8').slice(1));

  test('begins with the mark, and every row has every column', () => {
    expect(documentCsv(plain).subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    for (const row of rows) expect(row).toHaveLength(rows[0]!.length);
    expect(rows).toHaveLength(1 + hostileTexts.length + plain.totals.length);
  });

  test('no words are a formula; otherwise they are as they were', () => {
    const description = rows[0]!.indexOf('description');
    const told = rows.slice(1, hostileTexts.length + 1).map((row) => row[description]!);
    for (const [index, text] of told.entries()) {
      expect(text.trimStart()).not.toMatch(/^[=+\-@\t\r＝]/);
      expect(text.replace(/^'/, '')).toBe(hostileTexts[index]);
    }
    expect(told.slice(0, 6).map((text) => text[0])).toEqual(["'", "'", "'", "'", "'", "'"]);
    const buyer = rows[0]!.indexOf('buyer');
    expect(rows[1]![buyer]).toBe(`'${hostileTexts[0]}`);
  });

  test('amounts stay numbers', () => {
    const amount = rows[0]!.indexOf('amount');
    expect(rows.slice(1, 4).map((row) => row[amount])).toEqual(['-3.00', '-2.00', '-1.00']);
    expect(cellsOf(documentCsv(plain).toString('utf8').slice(1)).map((row) => row.join('|'))).toEqual([
      'document|number|issued|seller|buyer|kind|description|from|until|quantity|amount|currency|tax|tax_percent|tax_amount|tax_included|due',
      'Invoice|ACME-000042|2026-02-01|Acme Compliance GmbH|Łódź Imports Sp. z o.o.|PLAN_FIXED|Starter|2026-01-01|2026-01-31|1|29.99|EUR|VAT|19|5.70|no|',
      expect.stringContaining('|50.00|EUR|VAT|19|9.50|no'),
      expect.stringContaining('|25.00|EUR|VAT|19|4.75|no'),
      expect.stringContaining('|1000|10.00|EUR|'),
      expect.stringContaining('|500|5.00|EUR|'),
      expect.stringContaining('|200|4.00|EUR|'),
      expect.stringContaining('|TOTAL|Subtotal|2026-01-01|2026-01-31||123.99|EUR|'), // 29.99 + 50.00 + 25.00 + 10.00 + 5.00 + 4.00
      expect.stringContaining('|TOTAL|VAT 19 %|2026-01-01|2026-01-31||23.56|EUR|'), // 123.99 × 19 % = 23.5581
      expect.stringContaining('|147.55|EUR|'), // 123.99 + 23.56
      expect.stringContaining('|-10.00|EUR|'),
      expect.stringContaining('|137.55|EUR|'), // 147.55 − 10.00
    ]);
  });
});
