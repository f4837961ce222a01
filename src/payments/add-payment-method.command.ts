import { done, type Result } from '../core/result';
import { invalid } from '../core/text';
import type { Tx } from '../tx';
import type { PaymentMethod, PaymentSetup } from './payment-method';
import type { ProviderName } from './provider';
import { providerOff } from './providers';

export interface AddPaymentMethodInput {
  readonly provider: ProviderName;
  /** What the provider's own form gave to the customer's browser; neither stored nor logged. */
  readonly token: string;
  readonly makeDefault?: boolean | undefined;
}

export interface AddPaymentMethodDone {
  readonly setup: PaymentSetup;
  /** Once the provider was asked. */
  readonly method?: PaymentMethod | undefined;
}

export const addPaymentMethodRefusals = [
  'PROVIDER_NOT_CONFIGURED',
  'PROVIDER_UNAVAILABLE',
  'PAYMENT_METHOD_DECLINED',
  'INVALID_INPUT',
] as const;

const tokenPattern = /^[A-Za-z0-9_.:-]{1,255}$/;

/** Writes the intent from which the provider's keys are made; the provider is asked once it is committed. */
export async function addPaymentMethod(
  tx: Pick<Tx, 'paymentMethods' | 'tenant' | 'newId' | 'now'>,
  input: AddPaymentMethodInput,
  isUsable: (provider: ProviderName, sandbox: boolean) => boolean,
): Promise<Result<AddPaymentMethodDone, (typeof addPaymentMethodRefusals)[number]>> {
  const { id: tenantId, partnerId, sandbox } = tx.tenant;
  if (!isUsable(input.provider, sandbox)) return providerOff(input.provider);
  if (!tokenPattern.test(input.token)) return invalid(['token'], 'Not a token of a payment provider.');
  return done({ setup: await beginSetup(tx, input.provider, input.makeDefault ?? false, tenantId, partnerId) });
}

export async function beginSetup(
  tx: Pick<Tx, 'paymentMethods' | 'newId' | 'now'>,
  provider: ProviderName,
  makeDefault: boolean,
  tenantId: PaymentSetup['tenantId'],
  partnerId: PaymentSetup['partnerId'],
): Promise<PaymentSetup> {
  const setup: PaymentSetup = {
    id: tx.newId<'PaymentSetup'>(),
    ...{ tenantId, partnerId, provider, makeDefault, status: 'PENDING', createdAt: tx.now },
  };
  await tx.paymentMethods.insertSetup(setup);
  return setup;
}
