export interface LitellmOptions {
  readonly host?: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** The provider's address, with or without `/v1`. */
  readonly sandboxBaseUrl?: string;
  readonly masterKey?: string;
  readonly config?: string;
  readonly onProgress?: (line: string) => void;
}

export interface LitellmProxy {
  /** Without `/v1`. */
  readonly baseUrl: string;
  readonly pid: number;
  /** The file with its output. */
  readonly log: string;
  readonly exited: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Resolves to the path of the virtual environment's Python. */
export function prepareLitellm(options?: Pick<LitellmOptions, 'onProgress'>): Promise<string>;

export function startLitellm(options?: LitellmOptions): Promise<LitellmProxy>;
