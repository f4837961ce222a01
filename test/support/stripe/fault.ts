/** The body of Stripe's error answers. */
export interface FaultBody {
  readonly type: 'card_error' | 'invalid_request_error' | 'api_error' | 'idempotency_error';
  readonly message: string;
  readonly code?: string;
  readonly param?: string;
  readonly decline_code?: string;
  readonly advice_code?: string;
  readonly payment_intent?: object;
  readonly setup_intent?: object;
  readonly charge?: string;
}

/** An answer that is an error in Stripe's shape. */
export class StripeFault extends Error {
  constructor(
    readonly status: number,
    readonly body: FaultBody,
  ) {
    super(body.message);
  }

  static invalid(message: string, param?: string, code?: string): StripeFault {
    return new StripeFault(400, {
      type: 'invalid_request_error',
      message,
      ...(param ? { param } : {}),
      ...(code ? { code } : {}),
    });
  }

  static unknownParameter(param: string): StripeFault {
    return StripeFault.invalid(`Received unknown parameter: ${param}`, param, 'parameter_unknown');
  }

  static missing(kind: string, id: string, param = 'id', status = 404): StripeFault {
    return new StripeFault(status, {
      type: 'invalid_request_error',
      code: 'resource_missing',
      message: `No such ${kind.replaceAll('_', ' ')}: '${id}'`,
      param,
    });
  }
}
