/** Refusals of the API (RFC 9457) as one error class, and what stands in when there is none. */

export interface ProblemBody {
  code: string;
  title: string;
  detail: string;
  where: string;
  cure: string;
  findings: unknown[];
}

/** A refusal or a fault, ready to be shown to a person. */
export class Problem extends Error {
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  readonly where: string;
  readonly cure: string;
  readonly findings: unknown[];

  constructor(
    readonly status: number,
    body: Partial<ProblemBody>,
  ) {
    super(body.detail || body.title || body.code || `HTTP ${status}`);
    this.name = 'Problem';
    this.code = body.code || `http_${status}`;
    this.title = body.title ?? '';
    this.detail = body.detail ?? '';
    this.where = body.where ?? '';
    this.cure = body.cure ?? '';
    this.findings = body.findings ?? [];
  }

  /** Whether nothing answered, so that trying again later makes sense. */
  get unreachable(): boolean {
    return this.status === 0 || this.status === 502 || this.status === 503 || this.status === 504;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Reads the body of a refusal; a body that is no problem document still gives a Problem. */
export function parseProblem(status: number, raw: string): Problem {
  let body: unknown = null;
  try {
    body = JSON.parse(raw);
  } catch {
    // A proxy's HTML page, or nothing at all: the status has to do.
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return new Problem(status, {});
  }
  const fields = body as Record<string, unknown>;
  const detail = Array.isArray(fields.detail)
    ? fields.detail
        .map((item: { loc?: unknown[]; msg?: unknown }) =>
          [(item?.loc ?? []).join('.'), text(item?.msg)].filter(Boolean).join(': '),
        )
        .join('; ')
    : text(fields.detail);
  return new Problem(status, {
    code: text(fields.code),
    title: text(fields.title),
    detail,
    where: text(fields.where),
    cure: text(fields.cure),
    findings: Array.isArray(fields.findings) ? fields.findings : [],
  });
}

/** Turns anything thrown into a Problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const detail = error instanceof Error ? error.message : String(error);
  return new Problem(-1, { code: 'page_fault', detail });
}
