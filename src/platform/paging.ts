import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { type Page, type PageRequest, pageOf } from '../core/page';

/** Which rows stand on this page? A keyset read: the cost of page 1,000 is the cost of page 1. */
export async function readPage<Row extends ObjectLiteral>(
  query: SelectQueryBuilder<Row>,
  request: PageRequest,
  key = 'id',
): Promise<Page<Row>> {
  const column = `${query.alias}.${key}`;
  if (request.after) query.andWhere(`${column} > :after`, { after: request.after });
  if (request.before) query.andWhere(`${column} < :before`, { before: request.before });
  const rows = await query
    .orderBy(column, request.backward ? 'DESC' : 'ASC')
    .take(undefined)
    .limit(request.limit + 1)
    .getMany();
  return pageOf(rows, request);
}
