/** Completions in a stretch of time. */
export interface Stretch {
  readonly count: number;
  readonly seconds: number;
}

/** What was measured of one case. */
export interface Figures {
  /** One for each slice, and as many of pgbench, or none. */
  readonly http: readonly Stretch[];
  readonly pgbench: readonly Stretch[];
  readonly latenciesMs: readonly number[];
  /** Processor time during `http`; NaN where it cannot be read. */
  readonly serviceMs: number;
  readonly databaseMs: number;
  readonly clientMs: number;
}

export function describe(name: string, figures: Figures): Record<string, string> {
  const http = sumOf(figures.http);
  const pgbench = sumOf(figures.pgbench);
  const ratios = figures.pgbench.map((slice, index) => rate(figures.http[index] ?? slice) / rate(slice));
  const sorted = figures.latenciesMs.toSorted((one, other) => one - other);
  const hasRatio = ratios.length > 0;
  return {
    case: name,
    'HTTP/s': rate(http).toFixed(0),
    'p50 ms': quantile(sorted, 0.5).toFixed(1),
    'p99 ms': quantile(sorted, 0.99).toFixed(1),
    'pgbench/s': hasRatio ? rate(pgbench).toFixed(0) : '-',
    ratio: hasRatio ? (rate(http) / rate(pgbench)).toFixed(2) : '-',
    'of slices': hasRatio ? `${Math.min(...ratios).toFixed(2)}-${Math.max(...ratios).toFixed(2)}` : '-',
    'service ms': perCompletion(figures.serviceMs, http),
    'database ms': perCompletion(figures.databaseMs, http),
    'client ms': perCompletion(figures.clientMs, http),
    completions: String(http.count),
    seconds: http.seconds.toFixed(1),
  };
}

/** Lines with columns of the same width, the names of which are those of the first row. */
export function toTable(rows: readonly Readonly<Record<string, string>>[]): string {
  const names = Object.keys(rows[0] ?? {});
  const lines = [names, ...rows.map((row) => names.map((name) => row[name] ?? ''))];
  const widths = names.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) => line.map((text, column) => text.padStart(widths[column] ?? 0)).join('  '))
    .join('\n');
}

function sumOf(stretches: readonly Stretch[]): Stretch {
  return {
    count: stretches.reduce((sum, { count }) => sum + count, 0),
    seconds: stretches.reduce((sum, { seconds }) => sum + seconds, 0),
  };
}

function rate({ count, seconds }: Stretch): number {
  return count / seconds;
}

function perCompletion(ms: number, { count }: Stretch): string {
  return Number.isNaN(ms) ? '-' : (ms / count).toFixed(2);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
