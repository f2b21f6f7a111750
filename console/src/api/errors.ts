/** Errors of the API, typed. */

interface ErrorEnvelope {
  error?: { type?: string; code?: string; param?: string | null; message?: string };
}

/** An error response. `param` is the invalid field, `retryAfter` is in seconds. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly requestId: string | null;
  readonly retryAfter: number | null;

  constructor(status: number, body: unknown, headers: Headers) {
    const error = (body as ErrorEnvelope | null)?.error ?? {};
    super(error.message ?? `The server answered with status ${status}.`);
    this.name = "ApiError";
    this.status = status;
    this.code = error.code ?? "unknown_error";
    this.param = error.param ?? null;
    this.requestId = headers.get("x-request-id");
    this.retryAfter = readSeconds(headers.get("retry-after"));
  }
}

/** The server did not answer: it is stopped, restarting, or the network is down. */
export class ServerAway extends Error {
  constructor(cause?: unknown) {
    super("The server does not answer.", { cause });
    this.name = "ServerAway";
  }
}

function readSeconds(header: string | null): number | null {
  const seconds = header === null ? Number.NaN : Number(header);
  return Number.isFinite(seconds) ? seconds : null;
}

/** Whether the same request can succeed later without a change. */
export function isTemporary(error: unknown): boolean {
  return error instanceof ServerAway || (error instanceof ApiError && (error.status === 429 || error.status >= 500));
}
