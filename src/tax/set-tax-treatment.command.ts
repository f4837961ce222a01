import { done, type Result } from '../core/result';
import { invalid, parseLabel } from '../core/text';
import type { Tx } from '../tx';
import type { TaxStatus } from './billing-details';
import type { TaxTreatment } from './tax';

export interface SetTaxTreatmentInput {
  readonly treatment: TaxTreatment;
  /** Why no tax is charged, for the document. */
  readonly note?: string | undefined;
}

export const setTaxTreatmentRefusals = ['INVALID_INPUT'] as const;

/** Says whether a tenant is charged tax; its partner has seen the papers. Issued documents stay as they are. */
export async function setTaxTreatment(
  tx: Pick<Tx, 'taxes' | 'tenant' | 'tenants' | 'now' | 'emit'>,
  input: SetTaxTreatmentInput,
): Promise<Result<{ status: TaxStatus }, (typeof setTaxTreatmentRefusals)[number]>> {
  const { treatment } = input;
  const note = input.note === undefined ? undefined : parseLabel(input.note, 500);
  if (input.note !== undefined && !note) return invalid(['note'], 'A note has 1 to 500 printable characters.');
  if ((treatment === 'TAXABLE') !== (note === undefined)) {
    return invalid(['note'], 'A document without tax says why; one with tax needs no note.');
  }
  await tx.tenants.lock(tx.tenant.id);
  const status: TaxStatus = { tenantId: tx.tenant.id, treatment, note };
  await tx.taxes.setBuyer(tx.tenant.id, tx.tenant.partnerId, { status }, tx.now);
  await tx.emit({ type: 'tenant.tax_treatment_changed', payload: { status } });
  return done({ status });
}
