export interface PrepareOptions {
  readonly onProgress?: (line: string) => void;
}

/** Resolves to the path of the virtual environment's Python. */
export function prepareClients(options?: PrepareOptions): Promise<string>;
