import type { Request } from 'express';

/** What express keeps of a route; its own types leave the matcher out. */
interface RouteLayer {
  readonly route?: { readonly path: string; readonly methods: Readonly<Record<string, boolean>> };
  match(path: string): boolean;
}

/** Under this path Nest hangs middleware into express, with every method. */
const MIDDLEWARE = '{/*splat}';

/**
 * The methods that a path has, for a request whose own is none of them. Asked only for requests that no
 * route has taken, so that the others do not pay for it.
 *
 * @returns in capitals and in order, HEAD with GET; empty if no route has the path
 */
export function allowedMethods(request: Request): string[] {
  const { stack } = (request.app as unknown as { router: { stack: readonly RouteLayer[] } }).router;
  const methods = new Set<string>();
  for (const layer of stack) {
    if (layer.route === undefined || layer.route.path === MIDDLEWARE) continue;
    if (!isMatch(layer, request.path)) continue;
    for (const method of Object.keys(layer.route.methods)) methods.add(method.toUpperCase());
  }
  if (methods.has('GET')) methods.add('HEAD');
  return [...methods].sort();
}

/** A path that cannot be decoded matches nothing. */
function isMatch(layer: RouteLayer, path: string): boolean {
  try {
    return layer.match(path);
  } catch {
    return false;
  }
}
