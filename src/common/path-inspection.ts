import type { NextFunction, Request, Response } from 'express';
import { malformedRequest } from './general.errors.js';

/** Nothing has NUL in its name, and Postgres would answer a look-up with an error. */
export function refuseNulInPath(request: Request, _response: Response, next: NextFunction): void {
  if (!request.path.includes('%00') && !request.path.includes('\0')) {
    next();
    return;
  }
  next(malformedRequest('The path holds a NUL character, which no name can have.'));
}
